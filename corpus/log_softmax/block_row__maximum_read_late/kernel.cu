// tv: refuted race
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 32003
#endif
#ifndef BLOCK
#define BLOCK 512
#endif

// One block per row; both reductions are trees over one array.
__global__ void __launch_bounds__(BLOCK) log_softmax(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    __shared__ float cell[BLOCK];

    const int t = threadIdx.x;
    const float* xr = x + (size_t)blockIdx.x * COLS;
    float* yr = y + (size_t)blockIdx.x * COLS;

    float top = -INFINITY;
    for (int c = t; c < COLS; c += BLOCK) {
        top = fmaxf(top, xr[c]);
    }
    cell[t] = top;
    __syncthreads();
    for (int s = BLOCK / 2; s > 0; s >>= 1) {
        if (t < s) {
            cell[t] = fmaxf(cell[t], cell[t + s]);
        }
        __syncthreads();
    }
    top = cell[0];  // <- race

    float sum = 0.0f;
    for (int c = t; c < COLS; c += BLOCK) {
        sum = __fadd_rn(sum, expf(xr[c] - top));
    }
    cell[t] = sum;  // <- race
    __syncthreads();
    for (int s = BLOCK / 2; s > 0; s >>= 1) {
        if (t < s) {
            cell[t] += cell[t + s];
        }
        __syncthreads();
    }
    const float log_sum = logf(cell[0]);

    for (int c = t; c < COLS; c += BLOCK) {
        yr[c] = xr[c] - top - log_sum;
    }
}

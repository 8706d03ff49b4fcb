// tv: unknown determinism
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 5000
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__global__ void row_sum(const float* __restrict__ x, float* y, unsigned int* done, int rows)
{
    __shared__ float part[BLOCK];

    const int row = blockIdx.x;
    const int t = threadIdx.x;
    if (row >= rows) return;

    float s = 0.0f;
    for (int c = t; c < COLS; c += BLOCK) {
        s += x[(size_t)row * COLS + c];
    }
    part[t] = s;
    __syncthreads();

    for (int o = BLOCK / 2; o > 1; o >>= 1) {
        if (t < o) {
            part[t] += part[t + o];
        }
        __syncthreads();
    }

    if (t == 0) {
        y[row] = 0.0f;
    }
    __syncthreads();
    if (t < 2) {
        atomicAdd(&y[row], part[t]); // <- determinism
    }
}

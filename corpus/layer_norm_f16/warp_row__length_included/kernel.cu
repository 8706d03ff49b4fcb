// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1100
#endif
#ifndef ROWS_PER_BLOCK
#define ROWS_PER_BLOCK 4
#endif
#define EPSILON 1e-5f

__device__ __forceinline__ float warp_sum(float v)
{
    for (int o = 16; o > 0; o >>= 1) {
        v += __shfl_xor_sync(0xffffffffu, v, o);
    }
    return v;
}

// One warp a row, two passes: the mean, then the mean square of what differs from it.
__global__ void layer_norm(const half* __restrict__ x, const half* __restrict__ weight, const half* __restrict__ bias,
                           half* __restrict__ y, int rows)
{
    const int row = blockIdx.x * ROWS_PER_BLOCK + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const half* xr = x + (size_t)row * COLS;
    half* yr = y + (size_t)row * COLS;

    float sum = 0.0f;
    for (int c = lane; c <= COLS; c += 32) {
        sum += __half2float(xr[c]);  // <- bounds
    }
    const float mean = warp_sum(sum) / COLS;
    float squares = 0.0f;
    for (int c = lane; c < COLS; c += 32) {
        const float d = __half2float(xr[c]) - mean;
        squares += d * d;
    }
    const float deviation = sqrtf(warp_sum(squares) / COLS + EPSILON);
    for (int c = lane; c < COLS; c += 32) {
        const half n = __float2half((__half2float(xr[c]) - mean) / deviation);
        yr[c] = __hadd_rn(__hmul_rn(n, weight[c]), bias[c]);
    }
}

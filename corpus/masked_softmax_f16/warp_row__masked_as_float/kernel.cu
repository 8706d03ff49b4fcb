// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1500
#endif
#ifndef ROWS_PER_BLOCK
#define ROWS_PER_BLOCK 4
#endif
#define LOWEST -1e3f

__device__ __forceinline__ float score(const half* x, const unsigned char* keep, int c)
{
    return keep[c] ? __half2float(x[c]) : LOWEST;  // <- equal
}

// One warp a row; a masked key counts as the lowest half.
__global__ void masked_softmax(const half* __restrict__ x, const unsigned char* __restrict__ keep, half* __restrict__ y, int rows)
{
    const int row = blockIdx.x * ROWS_PER_BLOCK + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const half* xr = x + (size_t)row * COLS;
    const unsigned char* kr = keep + (size_t)row * COLS;
    half* yr = y + (size_t)row * COLS;

    float m = -INFINITY;
    for (int c = lane; c < COLS; c += 32) {
        m = fmaxf(m, score(xr, kr, c));  // <- equal
    }
    for (int o = 16; o > 0; o >>= 1) {
        m = fmaxf(m, __shfl_xor_sync(0xffffffffu, m, o));
    }
    float sum = 0.0f;
    for (int c = lane; c < COLS; c += 32) {
        sum += expf(score(xr, kr, c) - m);
    }
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, o);
    }
    for (int c = lane; c < COLS; c += 32) {
        yr[c] = __float2half(expf(score(xr, kr, c) - m) / sum);  // <- equal
    }
}

// tv: refuted equal
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__device__ __forceinline__ float warp_max(float v)
{
    for (int o = 16; o > 0; o >>= 1) {
        v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, o));  // <- equal
    }
    return v;
}

__global__ void row_max(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    __shared__ float best[BLOCK / 32];

    const int row = blockIdx.x;
    if (row >= rows) return;
    const float* xr = x + (size_t)row * COLS;

    float m = -1e20f;  // <- equal
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        m = fmaxf(m, xr[c]);
    }
    m = warp_max(m);
    if (threadIdx.x % 32 == 0) {
        best[threadIdx.x / 32] = m;
    }
    __syncthreads();

    if (threadIdx.x < 32) {
        m = threadIdx.x < BLOCK / 32 ? best[threadIdx.x] : -INFINITY;
        m = warp_max(m);
        if (threadIdx.x == 0) {
            y[row] = m;
        }
    }
}

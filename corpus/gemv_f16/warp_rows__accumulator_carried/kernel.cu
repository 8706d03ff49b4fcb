// tv: refuted equal
#include <cuda_fp16.h>

#ifndef N
#define N 4096
#endif
#ifndef K
#define K 11008
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// Every warp of the grid owns a stretch of rows; the stretches differ in length by at most one row.
__global__ void __launch_bounds__(BLOCK)
gemv(const __half* __restrict__ W, const __half* __restrict__ x, __half* __restrict__ y)
{
    const int lane = threadIdx.x & 31;
    const int g = blockIdx.x * (BLOCK / 32) + (threadIdx.x >> 5);
    const int G = gridDim.x * (BLOCK / 32);
    const uint4* x8 = reinterpret_cast<const uint4*>(x);

    float acc = 0.0f;  // <- equal
    for (int row = g * N / G; row < (g + 1) * N / G; ++row) {
        const uint4* w8 = reinterpret_cast<const uint4*>(W + (size_t)row * K);
        for (int c = lane; c < K / 8; c += 32) {
            const uint4 wq = w8[c];
            const uint4 xq = x8[c];
            const __half2* wh = reinterpret_cast<const __half2*>(&wq);
            const __half2* xh = reinterpret_cast<const __half2*>(&xq);
#pragma unroll
            for (int k = 0; k < 4; ++k) {
                const float2 a = __half22float2(wh[k]);
                const float2 b = __half22float2(xh[k]);
                acc = fmaf(a.x, b.x, acc);
                acc = fmaf(a.y, b.y, acc);
            }
        }
#pragma unroll
        for (int o = 16; o > 0; o >>= 1) {
            acc += __shfl_xor_sync(0xffffffffu, acc, o);  // <- equal
        }
        if (lane == 0) {
            y[row] = __float2half_rn(acc);
        }
    }
}

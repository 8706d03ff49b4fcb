// tv: unknown barrier
#include <cuda_fp16.h>

#ifndef D
#define D 128
#endif

// Sixteen threads a row; a warp holds two rows, of which the second may lie past the end.
__global__ void row_norm(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    const int group = threadIdx.x / 16;
    const int lane = threadIdx.x % 16;
    const int row = blockIdx.x * (blockDim.x / 16) + group;
    if (row >= rows) return;

    const __half2* xr = reinterpret_cast<const __half2*>(x + (size_t)row * D);
    float sum = 0.0f;
    for (int c = lane; c < D / 2; c += 16) {
        const float2 v = __half22float2(xr[c]);
        sum = fmaf(v.x, v.x, sum);
        sum = fmaf(v.y, v.y, sum);
    }
    const unsigned mask = 0xffffu << (threadIdx.x & 16);
    // The upper lanes wait at the next shuffle with this mask instead.
    if (lane < 8) {
        sum += __shfl_down_sync(mask, sum, 8, 16);  // <- barrier
    }
#pragma unroll
    for (int o = 4; o > 0; o >>= 1) {
        sum += __shfl_down_sync(mask, sum, o, 16);
    }
    if (lane == 0) {
        y[row] = __float2half_rn(sqrtf(sum));
    }
}

// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 5120
#endif
#ifndef BLOCK
#define BLOCK 256
#endif
#define WARPS (BLOCK / 32)

__device__ __forceinline__ float warp_sum(float v)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1)
        v += __shfl_xor_sync(0xffffffffu, v, mask);  // <- equal
    return v;
}

__global__ void __launch_bounds__(BLOCK)
rmsnorm(const __half* __restrict__ x, const __half* __restrict__ w, __half* __restrict__ y, int rows, const float eps)
{
    __shared__ float partial[WARPS];

    if (blockIdx.x >= rows) {
        return;
    }

    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const size_t base = (size_t)blockIdx.x * COLS;

    float sum = 0.0f;
    for (int i = threadIdx.x * 8; i < COLS; i += BLOCK * 8) {
        const uint4 pack = *reinterpret_cast<const uint4*>(x + base + i);
        const __half2* h = reinterpret_cast<const __half2*>(&pack);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __half22float2(h[k]);
            sum = fmaf(f.x, f.x, sum);
            sum = fmaf(f.y, f.y, sum);
        }
    }

    sum = warp_sum(sum);
    if (lane == 0) partial[warp] = sum;
    __syncthreads();
    sum = warp_sum(partial[lane & (WARPS - 1)]);  // <- equal

    const float inv = 1.0f / sqrtf(sum / COLS + eps);
    for (int i = threadIdx.x * 8; i < COLS; i += BLOCK * 8) {
        const uint4 pack = *reinterpret_cast<const uint4*>(x + base + i);
        const uint4 gain = *reinterpret_cast<const uint4*>(w + i);
        const __half2* h = reinterpret_cast<const __half2*>(&pack);
        const __half2* g = reinterpret_cast<const __half2*>(&gain);
        uint4 out;
        __half2* o = reinterpret_cast<__half2*>(&out);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __half22float2(h[k]);
            o[k] = __hmul2_rn(__floats2half2_rn(f.x * inv, f.y * inv), g[k]);
        }
        *reinterpret_cast<uint4*>(y + base + i) = out;
    }
}

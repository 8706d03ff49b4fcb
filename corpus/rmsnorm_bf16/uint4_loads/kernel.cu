// tv: proved reassoc
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef BLOCK
#define BLOCK 192
#endif
#define WARPS (BLOCK / 32)

// One block per row; eight columns per load.
__global__ void __launch_bounds__(BLOCK) rmsnorm(const __nv_bfloat16* __restrict__ x, const __nv_bfloat16* __restrict__ w,
                                                 __nv_bfloat16* __restrict__ y, int rows)
{
    __shared__ float part[WARPS];

    const int row = blockIdx.x;
    const uint4* xr = reinterpret_cast<const uint4*>(x + (size_t)row * COLS);
    const uint4* wr = reinterpret_cast<const uint4*>(w);
    uint4* yr = reinterpret_cast<uint4*>(y + (size_t)row * COLS);

    float sum = 0.0f;
    for (int c = threadIdx.x; c < COLS / 8; c += BLOCK) {
        const uint4 raw = xr[c];
        const __nv_bfloat162* p = reinterpret_cast<const __nv_bfloat162*>(&raw);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __bfloat1622float2(p[k]);
            sum = fmaf(f.x, f.x, sum);
            sum = fmaf(f.y, f.y, sum);
        }
    }
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, o);
    }
    if (threadIdx.x % 32 == 0) {
        part[threadIdx.x / 32] = sum;
    }
    __syncthreads();
    float total = 0.0f;
    for (int i = 0; i < WARPS; ++i) {
        total += part[i];
    }
    const float inv = 1.0f / sqrtf(total / COLS + 1e-5f);

    for (int c = threadIdx.x; c < COLS / 8; c += BLOCK) {
        const uint4 raw = xr[c];
        const uint4 gain = wr[c];
        uint4 out;
        const __nv_bfloat162* p = reinterpret_cast<const __nv_bfloat162*>(&raw);
        const __nv_bfloat162* g = reinterpret_cast<const __nv_bfloat162*>(&gain);
        __nv_bfloat162* r = reinterpret_cast<__nv_bfloat162*>(&out);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __bfloat1622float2(p[k]);
            r[k] = __hmul2(__floats2bfloat162_rn(f.x * inv, f.y * inv), g[k]);
        }
        yr[c] = out;
    }
}

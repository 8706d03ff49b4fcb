// tv: refuted bounds
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 768
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

// One warp per row, eight columns per load.
__global__ void __launch_bounds__(BLOCK)
l2_normalize(const __nv_bfloat16* __restrict__ x, __nv_bfloat16* __restrict__ y, int rows)
{
    const int lane = threadIdx.x & 31;
    const int row = blockIdx.x * (BLOCK / 32) + (threadIdx.x >> 5);
    if (row > rows) return;
    const uint4* xr = reinterpret_cast<const uint4*>(x + (size_t)row * COLS);
    uint4* yr = reinterpret_cast<uint4*>(y + (size_t)row * COLS);

    float sum = 0.0f;
    for (int c = lane; c < COLS / 8; c += 32) {
        const uint4 raw = xr[c];  // <- bounds
        const __nv_bfloat162* p = reinterpret_cast<const __nv_bfloat162*>(&raw);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __bfloat1622float2(p[k]);
            sum += f.x * f.x;
            sum += f.y * f.y;
        }
    }
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, o);
    }
    const float divisor = fmaxf(sqrtf(sum), 1e-12f);

    for (int c = lane; c < COLS / 8; c += 32) {
        const uint4 raw = xr[c];  // <- bounds
        uint4 out;
        const __nv_bfloat162* p = reinterpret_cast<const __nv_bfloat162*>(&raw);
        __nv_bfloat162* r = reinterpret_cast<__nv_bfloat162*>(&out);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float2 f = __bfloat1622float2(p[k]);
            r[k] = __floats2bfloat162_rn(f.x / divisor, f.y / divisor);
        }
        yr[c] = out;
    }
}

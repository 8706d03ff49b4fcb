// tv: refuted equal
#include <cuda_bf16.h>

#ifndef K
#define K 14336
#endif
#ifndef WARPS
#define WARPS 8
#endif
#define CHUNKS (K / 8)

// threadIdx.y is the warp; each takes a stretch of neighbouring chunks of eight.
__global__ void __launch_bounds__(32 * WARPS)
gemv(const __nv_bfloat16* __restrict__ W, const __nv_bfloat16* __restrict__ x, const __nv_bfloat16* __restrict__ skip,
     __nv_bfloat16* __restrict__ y)
{
    __shared__ float partial[WARPS];
    const int lane = threadIdx.x;
    const int warp = threadIdx.y;
    const size_t row = blockIdx.x;
    const uint4* w4 = reinterpret_cast<const uint4*>(W + row * K);
    const uint4* x4 = reinterpret_cast<const uint4*>(x);

    const int from = warp * CHUNKS / WARPS;
    const int to = from + CHUNKS / WARPS - 1;  // <- equal
    float sum = 0.0f;
    for (int c = from + lane; c < to; c += 32) {
        const uint4 a = w4[c];
        const uint4 b = x4[c];
        const __nv_bfloat162* as = reinterpret_cast<const __nv_bfloat162*>(&a);
        const __nv_bfloat162* bs = reinterpret_cast<const __nv_bfloat162*>(&b);
#pragma unroll
        for (int p = 0; p < 4; ++p) {
            const float2 u = __bfloat1622float2(as[p]);
            const float2 v = __bfloat1622float2(bs[p]);
            sum = fmaf(u.x, v.x, sum);  // <- equal
            sum = fmaf(u.y, v.y, sum);  // <- equal
        }
    }
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_down_sync(0xffffffffu, sum, o);
    }
    if (lane == 0) {
        partial[warp] = sum;
    }
    __syncthreads();
    if (warp == 0 && lane == 0) {
        float total = 0.0f;
        for (int i = 0; i < WARPS; ++i) {
            total += partial[i];  // <- equal
        }
        y[row] = __hadd(skip[row], __float2bfloat16_rn(total));  // <- equal
    }
}

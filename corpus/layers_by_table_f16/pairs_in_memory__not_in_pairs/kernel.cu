// tv: refuted equal
#include <cooperative_groups.h>
#include <cuda_fp16.h>

#ifndef D
#define D 384
#endif
#ifndef H
#define H 1024
#endif
#ifndef THREADS
#define THREADS 256
#endif
#define WARPS (THREADS / 32)

namespace cg = cooperative_groups;

__device__ float row_dot(const __half* row, const __half* v, int n, int lane)
{
    float s = 0.0f;
    for (int c = lane; c < n / 8; c += 32) {
        const uint4 p = ((const uint4*)row)[c];
        const uint4 q = ((const uint4*)v)[c];
        const __half2* a = (const __half2*)&p;
        const __half2* b = (const __half2*)&q;
        for (int k = 0; k < 4; ++k) {
            const float2 u = __half22float2(a[k]);
            const float2 w = __half22float2(b[k]);
            s = fmaf(u.x, w.x, s);
            s = fmaf(u.y, w.y, s);
        }
    }
    for (int o = 16; o > 0; o >>= 1)
        s += __shfl_xor_sync(0xffffffffu, s, o);  // <- equal
    return s;
}

__device__ void layer(__half* x, __half* h, const __half* const* pair, int me, int warps, int lane)
{
    for (int r = me * H / warps; r < (me + 1) * H / warps; ++r) {
        const float s = row_dot(pair[0] + (size_t)r * D, x, D, lane);
        if (lane == 0)
            h[r] = __hmax(__float2half_rn(s), __float2half_rn(0.0f));
    }
    cg::this_grid().sync();
    for (int r = me * D / warps; r < (me + 1) * D / warps; ++r) {
        const float s = row_dot(pair[1] + (size_t)r * H, h, H, lane);
        if (lane == 0)
            x[r] = __hadd(x[r], __float2half_rn(s));
    }
    cg::this_grid().sync();
}

__global__ void __launch_bounds__(THREADS) residual_mlp(__half* x, __half* h, const __half* const* w, int layers)
{
    const int me = blockIdx.x * WARPS + (threadIdx.x >> 5);
    for (int l = 0; l < layers; ++l)
        layer(x, h, w + l, me, gridDim.x * WARPS, threadIdx.x & 31);
}

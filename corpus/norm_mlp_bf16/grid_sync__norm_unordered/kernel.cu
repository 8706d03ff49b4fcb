// tv: refuted race
#include <cooperative_groups.h>
#include <cuda_bf16.h>

#ifndef D
#define D 4096
#endif
#ifndef H
#define H 11008
#endif
#ifndef THREADS
#define THREADS 256
#endif
#define WARPS (THREADS / 32)
#define FULL 0xffffffffu

namespace cg = cooperative_groups;

__device__ __forceinline__ float warp_sum(float v)
{
#pragma unroll
    for (int o = 16; o > 0; o >>= 1)
        v += __shfl_xor_sync(FULL, v, o);
    return v;
}

__device__ float row_dot(const __nv_bfloat16* row, const __nv_bfloat16* v, int n, int lane)
{
    float s = 0.0f;
    for (int c = lane; c < n / 2; c += 32) {
        const float2 a = __bfloat1622float2(((__nv_bfloat162 const*)row)[c]);
        const float2 b = __bfloat1622float2(((__nv_bfloat162 const*)v)[c]);  // <- race
        s = fmaf(a.x, b.x, s);
        s = fmaf(a.y, b.y, s);
    }
    return warp_sum(s);
}

// Every block normalises the whole token for itself; rows of both matrices are dealt to warps in turn.
__global__ void __launch_bounds__(THREADS)
norm_mlp(const __nv_bfloat16* x, const __nv_bfloat16* a, const __nv_bfloat16* gain, const __nv_bfloat16* up, const __nv_bfloat16* down, __nv_bfloat16* h, __nv_bfloat16* r, __nv_bfloat16* y)
{
    __shared__ __align__(16) __nv_bfloat16 normed[D];
    __shared__ float partial[WARPS];
    cg::grid_group grid = cg::this_grid();
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int me = blockIdx.x * WARPS + warp;
    const int all = gridDim.x * WARPS;

    for (int i = blockIdx.x * THREADS + threadIdx.x; i < D; i += gridDim.x * THREADS)
        h[i] = __hadd(x[i], a[i]);
    grid.sync();

    float sum = 0.0f;
    for (int i = threadIdx.x; i < D; i += THREADS) {
        const float v = __bfloat162float(h[i]);
        sum += v * v;
    }
    sum = warp_sum(sum);
    if (lane == 0)
        partial[warp] = sum;
    __syncthreads();
    float total = 0.0f;
    for (int w = 0; w < WARPS; ++w)
        total += partial[w];
    const float root = sqrtf(total / D + 1e-5f);
    for (int i = threadIdx.x; i < D; i += THREADS)
        normed[i] = __hmul(__float2bfloat16(__bfloat162float(h[i]) / root), gain[i]);  // <- race

    for (int row = me; row < H; row += all) {
        const float u = row_dot(up + (size_t)row * D, normed, D, lane);
        if (lane == 0)
            r[row] = __float2bfloat16(fmaxf(u, 0.0f));
    }
    grid.sync();

    for (int row = me; row < D; row += all) {
        const float d = row_dot(down + (size_t)row * H, r, H, lane);
        if (lane == 0)
            y[row] = __hadd(h[row], __float2bfloat16(d));
    }
}

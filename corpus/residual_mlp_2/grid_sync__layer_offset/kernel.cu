// tv: refuted equal
#include <cooperative_groups.h>

#ifndef L
#define L 2
#endif
#ifndef D
#define D 4096
#endif
#ifndef H
#define H 11008
#endif
#ifndef THREADS
#define THREADS 512
#endif
#define WARPS (THREADS / 32)

namespace cg = cooperative_groups;

__device__ __forceinline__ float warp_dot(const float* row, const float* v, int n, int lane)
{
    float s = 0.0f;
    for (int c = lane * 4; c < n; c += 32 * 4) {
        const float4 a = *reinterpret_cast<const float4*>(row + c);
        const float4 b = *reinterpret_cast<const float4*>(v + c);
        s += a.x * b.x;  // <- equal
        s += a.y * b.y;
        s += a.z * b.z;
        s += a.w * b.w;
    }
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        s += __shfl_xor_sync(0xffffffffu, s, o);
    }
    return s;
}

// The whole stack in one launch: every warp of the grid owns a stretch of rows in both halves of a layer.
__global__ void __launch_bounds__(THREADS, 1) residual_mlp(float* x, const float* w, float* h)
{
    cg::grid_group grid = cg::this_grid();
    const int lane = threadIdx.x % 32;
    const int g = blockIdx.x * WARPS + threadIdx.x / 32;
    const int G = gridDim.x * WARPS;

    for (int layer = 0; layer < L; ++layer) {
        const float* w1 = w + (size_t)layer * D * H;  // <- equal
        const float* w2 = w1 + (size_t)D * H;

        for (int r = g * H / G; r < (g + 1) * H / G; ++r) {
            const float s = warp_dot(w1 + (size_t)r * D, x, D, lane);
            if (lane == 0) {
                h[r] = fmaxf(s, 0.0f);
            }
        }
        grid.sync();

        for (int r = g * D / G; r < (g + 1) * D / G; ++r) {
            const float s = warp_dot(w2 + (size_t)r * H, h, H, lane);
            if (lane == 0) {
                x[r] = x[r] + s;
            }
        }
        grid.sync();
    }
}

// tv: proved reassoc
#include <cuda_runtime.h>

#ifndef L
#define L 32
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
#define FULL 0xffffffffu

// The host clears the counter before the launch; it only grows.
__device__ void grid_barrier(unsigned int* counter, unsigned int target)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(counter, 1u);
        while (*(volatile unsigned int*)counter < target) {
        }
        __threadfence();
    }
    __syncthreads();
}

__global__ void residual_mlp(float* x, const float* w, float* h, unsigned int* counter)
{
    const int lane = threadIdx.x & 31;
    const int g = blockIdx.x * WARPS + (threadIdx.x >> 5);
    const int G = gridDim.x * WARPS;
    const int hfirst = g * H / G, hlast = (g + 1) * H / G;
    const int dfirst = g * D / G, dlast = (g + 1) * D / G;

    for (int layer = 0; layer < L; ++layer) {
        const float* w1 = w + (size_t)layer * 2 * D * H;
        const float* w2 = w1 + (size_t)H * D;

        for (int r = hfirst; r < hlast; ++r) {
            const float4* a4 = (const float4*)(w1 + (size_t)r * D);
            const float4* b4 = (const float4*)x;
            float s = 0.f;
            for (int c = lane; c < D / 4; c += 32) {
                float4 a = a4[c], b = b4[c];
                s += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
            }
            for (int o = 16; o > 0; o >>= 1) s += __shfl_xor_sync(FULL, s, o);
            if (lane == 0) h[r] = s > 0.f ? s : 0.f;
        }
        grid_barrier(counter, (2 * layer + 1) * gridDim.x);

        for (int r = dfirst; r < dlast; ++r) {
            const float4* a4 = (const float4*)(w2 + (size_t)r * H);
            const float4* b4 = (const float4*)h;
            float s = 0.f;
            for (int c = lane; c < H / 4; c += 32) {
                float4 a = a4[c], b = b4[c];
                s += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
            }
            for (int o = 16; o > 0; o >>= 1) s += __shfl_xor_sync(FULL, s, o);
            if (lane == 0) x[r] += s;
        }
        grid_barrier(counter, (2 * layer + 2) * gridDim.x);
    }
}

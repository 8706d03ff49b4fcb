// tv: refuted barrier
#include <cuda_fp16.h>
#include <cuda_pipeline.h>

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
#define DEPTH 2

// The n-th barrier of a launch waits for n arrivals of each block. The host clears the counter before the launch.
__device__ __forceinline__ void grid_barrier(unsigned int* counter, unsigned int target)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        __nv_atomic_fetch_add(counter, 1u, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);
        while (__nv_atomic_load_n(counter, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE) < target) {  // <- barrier
        }
    }
    __syncthreads();
}

// How many chunks a row of n elements has, rounded up to whole rings.
__device__ __forceinline__ int chunks(int n)
{
    return (n / 8 + 32 * DEPTH - 1) / (32 * DEPTH) * DEPTH;
}

// A lane's share of chunk c of row r, into a slot that is its own; nothing behind the last row or the row's end.
__device__ __forceinline__ void fetch(uint4 (*ring)[THREADS], const __half* m, int n, int rows, int r, int c, int lane)
{
    if (r < rows && c * 32 + lane < n / 8)
        __pipeline_memcpy_async(&ring[c % DEPTH][threadIdx.x], m + (size_t)r * n + (c * 32 + lane) * 8, 16);
    __pipeline_commit();
}

// Row r by a vector; chunks to come, of the warp's next row at last, are fetched as slots become free.
__device__ __forceinline__ float
row_dot(uint4 (*ring)[THREADS], const __half* m, const __half* v, int n, int rows, int r, int step, int lane)
{
    float s = 0.0f;
    for (int c = 0; c < chunks(n); ++c) {
        __pipeline_wait_prior(DEPTH - 1);
        if (c * 32 + lane < n / 8) {
            const uint4 a = ring[c % DEPTH][threadIdx.x];
            const uint4 b = ((const uint4*)v)[c * 32 + lane];
            const __half2* i = (const __half2*)&a;
            const __half2* j = (const __half2*)&b;
            for (int e = 0; e < 4; ++e) {
                const float2 u = __half22float2(i[e]);
                const float2 w = __half22float2(j[e]);
                s = fmaf(u.x, w.x, s);
                s = fmaf(u.y, w.y, s);
            }
        }
        if (c + DEPTH < chunks(n))
            fetch(ring, m, n, rows, r, c + DEPTH, lane);
        else
            fetch(ring, m, n, rows, r + step, c + DEPTH - chunks(n), lane);
    }
    for (int o = 16; o > 0; o >>= 1)
        s += __shfl_xor_sync(0xffffffffu, s, o);
    return s;
}

// Each phase streams its weights through a ring of its own; the first chunks of a phase are on their way before the barrier in
// front of it.
__global__ void __launch_bounds__(THREADS) residual_mlp(__half* x, const __half* w, __half* h, unsigned int* counter)
{
    __shared__ uint4 ups[DEPTH][THREADS];
    __shared__ uint4 downs[DEPTH][THREADS];
    const int lane = threadIdx.x & 31;
    const int first = blockIdx.x * WARPS + (threadIdx.x >> 5), step = gridDim.x * WARPS;

    for (int c = 0; c < DEPTH; ++c)
        fetch(ups, w, D, H, first, c, lane);

    for (int l = 0; l < L; ++l) {
        const __half* up = w + 2 * l * (size_t)D * H;
        const __half* down = up + (size_t)D * H;

        for (int r = first; r < H; r += step) {
            const float s = row_dot(ups, up, x, D, H, r, step, lane);
            if (lane == 0)
                h[r] = __hmax(__float2half_rn(s), __float2half_rn(0.0f));
        }
        for (int c = 0; c < DEPTH; ++c)
            fetch(downs, down, H, D, first, c, lane);
        grid_barrier(counter, (2 * l + 1) * gridDim.x);

        for (int r = first; r < D; r += step) {
            const float s = row_dot(downs, down, h, H, D, r, step, lane);
            if (lane == 0)
                x[r] = __hadd(x[r], __float2half_rn(s));
        }
        if (l + 1 < L)
            for (int c = 0; c < DEPTH; ++c)
                fetch(ups, down + (size_t)D * H, D, H, first, c, lane);
        grid_barrier(counter, (2 * l + 3) * gridDim.x);  // <- barrier
    }
}

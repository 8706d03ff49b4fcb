// tv: refuted race
#include <cuda_fp16.h>
#include <cuda_pipeline.h>

#ifndef N
#define N 4096
#endif
#ifndef K
#define K 11008
#endif
#ifndef BLOCK
#define BLOCK 256
#endif
#define DEPTH 4
#define CHUNKS ((K / 8 + 31) / 32)

// A thread's share of the warp's p-th chunk, into the slot that is its own.
__device__ __forceinline__ void fetch(uint4 (*ring)[BLOCK], const __half* W, int first, int rows, int p, int lane)
{
    const int c = p % CHUNKS * 32 + lane;
    if (p < rows * CHUNKS && c < K / 8)
        __pipeline_memcpy_async(&ring[p % DEPTH][threadIdx.x], W + (size_t)(first + p / CHUNKS) * K + c * 8, 16);  // <- race
    __pipeline_commit();
}

// Every warp streams a stretch of rows through a ring in shared memory: each thread copies what it will use itself.
__global__ void __launch_bounds__(BLOCK)
gemv(const __half* __restrict__ W, const __half* __restrict__ x, __half* __restrict__ y)
{
    __shared__ uint4 ring[DEPTH][BLOCK];
    const int lane = threadIdx.x & 31;
    const int g = blockIdx.x * (BLOCK / 32) + (threadIdx.x >> 5);
    const int G = gridDim.x * (BLOCK / 32);
    const int first = g * N / G;
    const int rows = (g + 1) * N / G - first;
    const uint4* x8 = reinterpret_cast<const uint4*>(x);

    for (int p = 0; p < DEPTH; ++p)
        fetch(ring, W, first, rows, p, lane);

    for (int r = 0; r < rows; ++r) {
        float acc = 0.0f;
        for (int k = 0; k < CHUNKS; ++k) {
            const int p = r * CHUNKS + k;
            __pipeline_wait_prior(DEPTH - 1);
            if (k * 32 + lane < K / 8) {
                const uint4 wq = ring[p % DEPTH][threadIdx.x / 32 * 32 + (lane ^ 1)];  // <- race
                const uint4 xq = x8[k * 32 + lane];
                const __half2* wh = reinterpret_cast<const __half2*>(&wq);
                const __half2* xh = reinterpret_cast<const __half2*>(&xq);
                for (int j = 0; j < 4; ++j) {
                    const float2 a = __half22float2(wh[j]);
                    const float2 b = __half22float2(xh[j]);
                    acc = fmaf(a.x, b.x, acc);
                    acc = fmaf(a.y, b.y, acc);
                }
            }
            fetch(ring, W, first, rows, p + DEPTH, lane);
        }
        for (int o = 16; o > 0; o >>= 1)
            acc += __shfl_xor_sync(0xffffffffu, acc, o);
        if (lane == 0)
            y[first + r] = __float2half_rn(acc);
    }
}

// tv: proved bitwise
// One block a row: warps by exchange, their winners through shared memory, and the first warp over those.
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 8192
#endif
#ifndef BLOCK
#define BLOCK 256
#endif
#define WARPS (BLOCK / 32)

__device__ __forceinline__ void keep_first(float& best, int& at, float other, int there)
{
    if (other > best || (other == best && there < at)) {
        best = other;
        at = there;
    }
}

__device__ __forceinline__ void over_warp(float& best, int& at)
{
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        const float other = __shfl_xor_sync(0xffffffffu, best, offset);
        const int there = __shfl_xor_sync(0xffffffffu, at, offset);
        keep_first(best, at, other, there);
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK)
argmax_rows(const __nv_bfloat16* __restrict__ x, long long* __restrict__ place, int rows)
{
    __shared__ float values[WARPS];
    __shared__ int places[WARPS];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const __nv_bfloat16* row = x + (size_t)blockIdx.x * COLS;
    float best = -INFINITY;
    int at = 0x7fffffff;
    for (int c = tid; c < COLS; c += BLOCK) {
        keep_first(best, at, __bfloat162float(row[c]), c);
    }
    over_warp(best, at);
    if (lane == 0) {
        values[warp] = best;
        places[warp] = at;
    }
    __syncthreads();
    if (warp == 0) {
        best = lane < WARPS ? values[lane] : -INFINITY;
        at = lane < WARPS ? places[lane] : 0x7fffffff;
        over_warp(best, at);
        if (lane == 0) {
            place[blockIdx.x] = at;
        }
    }
}

// tv: refuted bounds
// One warp a token, each lane with E / 32 shares in registers; what was chosen is overwritten before the second search.
#include <cuda_fp16.h>

#ifndef E
#define E 64
#endif
#ifndef BLOCK
#define BLOCK 128
#endif
#define WARPS (BLOCK / 32)
#define MINE (E / 32)
#define ALL 0xffffffffu

struct Choice {
    float share;
    int expert;
};

__device__ __forceinline__ Choice greatest_of(const float (&share)[MINE], int lane)
{
    Choice best = {share[0], lane};
#pragma unroll
    for (int i = 1; i < MINE; ++i) {
        if (share[i] > best.share) {
            best.share = share[i];
            best.expert = i * 32 + lane;
        }
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        const float share_there = __shfl_xor_sync(ALL, best.share, offset);
        const int expert_there = __shfl_xor_sync(ALL, best.expert, offset);
        if (share_there > best.share || (share_there == best.share && expert_there < best.expert)) {
            best.share = share_there;
            best.expert = expert_there;
        }
    }
    return best;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gate(const __half* __restrict__ logits, __half* __restrict__ weights, long long* __restrict__ experts, int tokens)
{
    const int lane = threadIdx.x & 31;
    const int token = blockIdx.x * WARPS + (threadIdx.x >> 5);
    const __half* row = logits + (size_t)token * E;
    float share[MINE];
    float greatest = -INFINITY;
#pragma unroll
    for (int i = 0; i < MINE; ++i) {
        share[i] = __half2float(row[i * 32 + lane]);  // <- bounds
        greatest = fmaxf(greatest, share[i]);
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        greatest = fmaxf(greatest, __shfl_xor_sync(ALL, greatest, offset));
    }
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < MINE; ++i) {
        share[i] = expf(share[i] - greatest);
        total += share[i];
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        total += __shfl_xor_sync(ALL, total, offset);
    }
#pragma unroll
    for (int i = 0; i < MINE; ++i) {
        share[i] /= total;
    }
    const Choice first = greatest_of(share, lane);
#pragma unroll
    for (int i = 0; i < MINE; ++i) {
        if (i * 32 + lane == first.expert) {
            share[i] = -1.0f;
        }
    }
    const Choice second = greatest_of(share, lane);
    if (lane == 0) {
        const float chosen = first.share + second.share;
        weights[2 * token] = __float2half_rn(first.share / chosen);
        weights[2 * token + 1] = __float2half_rn(second.share / chosen);
        experts[2 * token] = first.expert;
        experts[2 * token + 1] = second.expert;
    }
}

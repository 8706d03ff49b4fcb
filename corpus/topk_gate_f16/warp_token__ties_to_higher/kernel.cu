// tv: refuted equal
// One warp a token, its lanes taking experts in turn; the first choice is left out of the second search.
#include <cuda_fp16.h>

#ifndef E
#define E 64
#endif
#ifndef BLOCK
#define BLOCK 128
#endif
#define WARPS (BLOCK / 32)

struct Choice {
    float logit;
    int expert;
};

__device__ __forceinline__ Choice better(Choice a, Choice b)
{
    const bool second = b.logit > a.logit || (b.logit == a.logit && b.expert > a.expert);
    return second ? b : a;
}

__device__ __forceinline__ Choice over_warp(Choice best)
{
    for (int offset = 16; offset > 0; offset >>= 1) {
        Choice other;
        other.logit = __shfl_xor_sync(0xffffffffu, best.logit, offset);
        other.expert = __shfl_xor_sync(0xffffffffu, best.expert, offset);
        best = better(best, other);
    }
    return best;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gate(const __half* __restrict__ logits, __half* __restrict__ weights, long long* __restrict__ experts, int tokens)
{
    const int lane = threadIdx.x & 31;
    const int token = blockIdx.x * WARPS + (threadIdx.x >> 5);
    if (token >= tokens) {
        return;
    }
    const __half* row = logits + (size_t)token * E;
    Choice best = {-INFINITY, E};
    for (int e = lane; e < E; e += 32) {
        const float logit = __half2float(row[e]);
        if (logit > best.logit) {
            best.logit = logit;
            best.expert = e;
        }
    }
    const Choice first = over_warp(best);
    best.logit = -INFINITY;
    best.expert = E;
    for (int e = lane; e < E; e += 32) {
        const float logit = __half2float(row[e]);
        if (e != first.expert && logit > best.logit) {
            best.logit = logit;
            best.expert = e;
        }
    }
    const Choice second = over_warp(best);
    if (lane == 0) {
        const float greatest = fmaxf(first.logit, second.logit);
        const float a = expf(first.logit - greatest), b = expf(second.logit - greatest);
        const float sum = a + b;  // <- equal
        weights[2 * token] = __float2half_rn(a / sum);  // <- equal
        weights[2 * token + 1] = __float2half_rn(b / sum);  // <- equal
        experts[2 * token] = first.expert;  // <- equal
        experts[2 * token + 1] = second.expert;  // <- equal
    }
}

// tv: refuted race
// One warp a token for the logits, then one block over all of them for the first of the greatest.
#include <cuda_fp16.h>

#ifndef HIDDEN
#define HIDDEN 512
#endif
#ifndef VOCAB
#define VOCAB 8192
#endif
#ifndef BLOCK
#define BLOCK 256
#endif
#define WARPS (BLOCK / 32)

extern "C" __global__ void __launch_bounds__(BLOCK)
logits_of_tokens(const __half* __restrict__ h, const __half* __restrict__ w, float* __restrict__ logits)
{
    const int lane = threadIdx.x & 31;
    const int token = blockIdx.x * WARPS + (threadIdx.x >> 5);
    if (token >= VOCAB) {
        return;
    }
    const __half* row = w + (size_t)token * HIDDEN;
    float sum = 0.0f;
    for (int i = lane; i < HIDDEN; i += 32) {
        sum += __half2float(row[i]) * __half2float(h[i]);
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    }
    if (lane == 0) {
        logits[token] = sum;
    }
}

struct Best {
    float logit;
    int token;
};

__device__ __forceinline__ Best better(Best a, Best b)
{
    const bool second = b.logit > a.logit || (b.logit == a.logit && b.token < a.token);
    return second ? b : a;
}

__device__ __forceinline__ Best over_warp(Best best)
{
    for (int offset = 16; offset > 0; offset >>= 1) {
        Best other;
        other.logit = __shfl_xor_sync(0xffffffffu, best.logit, offset);
        other.token = __shfl_xor_sync(0xffffffffu, best.token, offset);
        best = better(best, other);
    }
    return best;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
greatest_logit(const float* __restrict__ logits, long long* __restrict__ token)
{
    __shared__ Best winners[WARPS];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    Best best = {-INFINITY, (int)threadIdx.x};
    for (int t = threadIdx.x; t < VOCAB; t += BLOCK) {
        if (logits[t] > best.logit) {
            best.logit = logits[t];
            best.token = t;
        }
    }
    best = over_warp(best);
    if (lane == 0) {
        winners[warp] = best;  // <- race
    }
    if (warp == 0) {
        best = lane < WARPS ? winners[lane] : best;  // <- race
        best = over_warp(best);
        if (lane == 0) {
            token[0] = best.token;
        }
    }
}

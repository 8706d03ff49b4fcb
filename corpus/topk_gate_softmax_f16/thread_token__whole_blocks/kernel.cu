// tv: refuted bounds
// One thread a token: a softmax over all experts, the two greatest shares, and these divided by their sum.
#include <cuda_fp16.h>

#ifndef E
#define E 64
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

extern "C" __global__ void __launch_bounds__(BLOCK)
gate(const __half* __restrict__ logits, __half* __restrict__ weights, long long* __restrict__ experts, int tokens)
{
    const int token = blockIdx.x * BLOCK + threadIdx.x;
    const __half* row = logits + (size_t)token * E;
    float share[E];
    float greatest = -INFINITY;
    for (int e = 0; e < E; ++e) {
        share[e] = __half2float(row[e]);  // <- bounds
        greatest = fmaxf(greatest, share[e]);
    }
    float total = 0.0f;
    for (int e = 0; e < E; ++e) {
        share[e] = expf(share[e] - greatest);
        total += share[e];
    }
    for (int e = 0; e < E; ++e) {
        share[e] = share[e] / total;
    }
    float first = -1.0f, second = -1.0f;
    int expert = 0, other = 0;
    for (int e = 0; e < E; ++e) {
        if (share[e] > first) {
            first = share[e];
            expert = e;
        }
    }
    for (int e = 0; e < E; ++e) {
        if (e != expert && share[e] > second) {
            second = share[e];
            other = e;
        }
    }
    const float chosen = first + second;
    weights[2 * token] = __float2half_rn(first / chosen);
    weights[2 * token + 1] = __float2half_rn(second / chosen);
    experts[2 * token] = expert;
    experts[2 * token + 1] = other;
}

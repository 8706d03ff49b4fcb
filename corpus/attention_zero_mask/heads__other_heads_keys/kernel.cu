// tv: refuted equal
#include <cuda_fp16.h>

#ifndef H
#define H 32
#endif
#ifndef KV
#define KV 8
#endif
#ifndef P
#define P 512
#endif
#ifndef HD
#define HD 128
#endif

// One head per block. Both factors of a score are scaled by the fourth root before they meet, as the graph has it.
__global__ void attend(const __half* __restrict__ q, const __half* __restrict__ k, const __half* __restrict__ v,
                       __half* __restrict__ o, __half scale)
{
    __shared__ float query[HD];
    __shared__ float score[P + 1];
    __shared__ float red[HD];

    int t = threadIdx.x;
    int head = blockIdx.x % KV;  // <- equal

    query[t] = __half2float(__hmul_rn(q[blockIdx.x * HD + t], scale));
    __syncthreads();

    float best = -INFINITY;
    for (int p = t; p < P + 1; p += HD) {
        const __half* row = k + (head * (P + 1) + p) * HD;
        float s = 0.f;
        for (int d = 0; d < HD; d++)
            s += query[d] * __half2float(__hmul_rn(row[d], scale));
        s = __half2float(__float2half(s));
        score[p] = s;
        best = fmaxf(best, s);
    }
    red[t] = best;
    __syncthreads();
    for (int n = HD / 2; n > 0; n >>= 1) {
        if (t < n) red[t] = fmaxf(red[t], red[t + n]);
        __syncthreads();
    }
    best = red[0];
    __syncthreads();

    float sum = 0.f;
    for (int p = t; p < P + 1; p += HD) {
        float e = expf(__fsub_rn(score[p], best));
        score[p] = e;
        sum = __fadd_rn(sum, e);
    }
    red[t] = sum;
    __syncthreads();
    for (int n = HD / 2; n > 0; n >>= 1) {
        if (t < n) red[t] += red[t + n];
        __syncthreads();
    }
    sum = red[0];

    float acc = 0.f;
    for (int p = 0; p < P + 1; p++) {
        __half w = __float2half(__fdiv_rn(score[p], sum));
        if (__hisnan(w)) w = __float2half(0.f);
        acc += __half2float(w) * __half2float(v[(head * (P + 1) + p) * HD + t]);  // <- equal
    }
    o[blockIdx.x * HD + t] = __float2half(acc);
}

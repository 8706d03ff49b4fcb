// tv: proved reassoc
#include <cuda_fp16.h>

#ifndef HD
#define HD 128
#endif
#ifndef CTX
#define CTX 2048
#endif

// One query of one head per block. A query sees the keys up to its own position: those after it are not read.
__global__ void attend(const __half* __restrict__ q, const __half* __restrict__ k, const __half* __restrict__ v,
                       __half* __restrict__ o, int length, __half scale)
{
    __shared__ float query[HD];
    __shared__ float score[CTX];
    __shared__ float red[HD];

    int t = threadIdx.x;
    int row = blockIdx.y;
    long base = (long)blockIdx.x * length * HD;

    query[t] = __half2float(__hmul_rn(q[base + row * HD + t], scale));
    __syncthreads();

    float best = -INFINITY;
    for (int p = t; p <= row; p += HD) {
        float s = 0.f;
        for (int d = 0; d < HD; d++)
            s += query[d] * __half2float(__hmul_rn(k[base + p * HD + d], scale));
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
    for (int p = t; p <= row; p += HD) {
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
    for (int p = 0; p <= row; p++) {
        float w = __half2float(__float2half(__fdiv_rn(score[p], sum)));
        acc += w * __half2float(v[base + p * HD + t]);
    }
    o[base + row * HD + t] = __float2half(acc);
}

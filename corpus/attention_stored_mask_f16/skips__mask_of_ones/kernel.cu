// tv: refuted equal
#include <cuda_fp16.h>

#ifndef S
#define S 77
#endif
#ifndef HD
#define HD 64
#endif

// One query of one head per block. Keys after the query are not read: the mask, which the kernel does not have, takes them out.
__global__ void attend(const __half* __restrict__ q, const __half* __restrict__ k, const __half* __restrict__ v,
                       __half* __restrict__ o, __half scale)
{
    __shared__ float query[HD];
    __shared__ float score[S];
    __shared__ float red[HD];

    const int t = threadIdx.x;
    const int row = blockIdx.x;
    const long head = (long)blockIdx.y * S * HD;

    query[t] = __half2float(q[head + row * HD + t]);
    __syncthreads();

    float top = -INFINITY;
    for (int p = t; p < S; p += HD) {
        float s = 0.f;
        for (int d = 0; d < HD; d++)
            s += query[d] * __half2float(k[head + p * HD + d]);
        s = __half2float(__hadd_rn(__hmul_rn(__float2half(s), scale), __float2half(p <= row ? 0.f : -1.f)));  // <- equal
        score[p] = s;
        top = fmaxf(top, s);
    }
    red[t] = top;
    __syncthreads();
    for (int n = HD / 2; n > 0; n >>= 1) {
        if (t < n) red[t] = fmaxf(red[t], red[t + n]);
        __syncthreads();
    }
    top = red[0];
    __syncthreads();

    float sum = 0.f;
    for (int p = t; p < S; p += HD) {
        const float e = expf(__fsub_rn(score[p], top));
        score[p] = e;
        sum = __fadd_rn(sum, e);  // <- equal
    }
    red[t] = sum;
    __syncthreads();
    for (int n = HD / 2; n > 0; n >>= 1) {
        if (t < n) red[t] += red[t + n];  // <- equal
        __syncthreads();
    }
    sum = red[0];

    float acc = 0.f;
    for (int p = 0; p < S; p++) {
        const float w = __half2float(__float2half(__fdiv_rn(score[p], sum)));
        acc += w * __half2float(v[head + p * HD + t]);  // <- equal
    }
    o[head + row * HD + t] = __float2half(acc);  // <- equal
}

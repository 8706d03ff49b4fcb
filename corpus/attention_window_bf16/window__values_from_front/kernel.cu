// tv: refuted equal
#include <cuda_bf16.h>

#ifndef S
#define S 96
#endif
#ifndef W
#define W 32
#endif
#ifndef HD
#define HD 64
#endif

// One query of one head per block. A query sees the last W keys up to its own; their scores are kept by place in the window.
__global__ void attend(const __nv_bfloat16* __restrict__ q, const __nv_bfloat16* __restrict__ k,
                       const __nv_bfloat16* __restrict__ v, __nv_bfloat16* __restrict__ o, float scale)
{
    __shared__ float query[HD];
    __shared__ float score[W];
    __shared__ float red[HD];

    const int t = threadIdx.x;
    const int row = blockIdx.x;
    const int first = row >= W ? row - W + 1 : 0;
    const int count = row - first + 1;
    const size_t head = (size_t)blockIdx.y * S * HD;

    query[t] = __bfloat162float(q[head + row * HD + t]);
    __syncthreads();

    float top = -INFINITY;
    for (int p = t; p < count; p += HD) {
        float s = 0.f;
        for (int d = 0; d < HD; d++)
            s += query[d] * __bfloat162float(k[head + (first + p) * HD + d]);
        s = __bfloat162float(__hmul_rn(__float2bfloat16(s), __float2bfloat16(scale)));
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
    for (int p = t; p < count; p += HD) {
        const float e = expf(__fsub_rn(score[p], top));
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
    for (int p = 0; p < count; p++) {
        const float w = __bfloat162float(__float2bfloat16(__fdiv_rn(score[p], sum)));
        acc += w * __bfloat162float(v[head + p * HD + t]);  // <- equal
    }
    o[head + row * HD + t] = __float2bfloat16(acc);  // <- equal
}

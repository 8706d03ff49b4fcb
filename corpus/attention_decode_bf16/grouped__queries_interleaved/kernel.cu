// tv: refuted equal
#include <cuda_bf16.h>

#ifndef H
#define H 32
#endif
#ifndef KV
#define KV 8
#endif
#ifndef HD
#define HD 128
#endif
#ifndef CTX
#define CTX 4096
#endif
#ifndef SCALE
#define SCALE 0.297301769f
#endif

// One block per key-value head; it appends the new row and serves its H / KV queries one after another.
__global__ void decode(const __nv_bfloat16* q, const __nv_bfloat16* k_new, const __nv_bfloat16* v_new, __nv_bfloat16* kc,
                       __nv_bfloat16* vc, __nv_bfloat16* o, int pos)
{
    __shared__ float query[HD];
    __shared__ float score[CTX];
    __shared__ float red[HD];

    const __nv_bfloat16 scale = __float2bfloat16(SCALE);
    int t = threadIdx.x;
    int base = blockIdx.x * CTX * HD;
    kc[base + pos * HD + t] = k_new[blockIdx.x * HD + t];
    vc[base + pos * HD + t] = v_new[blockIdx.x * HD + t];

    for (int g = 0; g < H / KV; g++) {
        int head = g * KV + blockIdx.x;  // <- equal
        query[t] = __bfloat162float(__hmul_rn(q[head * HD + t], scale));
        __syncthreads();

        float best = -INFINITY;
        for (int p = t; p <= pos; p += HD) {
            float s = 0.f;
            for (int d = 0; d < HD; d++)
                s += query[d] * __bfloat162float(__hmul_rn(kc[base + p * HD + d], scale));
            s = __bfloat162float(__float2bfloat16(s));
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
        for (int p = t; p <= pos; p += HD) {
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
        for (int p = 0; p <= pos; p++) {
            float w = __bfloat162float(__float2bfloat16(__fdiv_rn(score[p], sum)));
            acc += w * __bfloat162float(vc[base + p * HD + t]);  // <- equal
        }
        o[head * HD + t] = __float2bfloat16(acc);
        __syncthreads();
    }
}

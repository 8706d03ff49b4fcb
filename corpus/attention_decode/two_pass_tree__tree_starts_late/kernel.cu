// tv: refuted equal
#include <cuda_runtime.h>

#ifndef HD
#define HD 128
#endif
#ifndef CTX
#define CTX 4096
#endif

// Dynamic shared memory: CTX scores, then the query, then one cell per thread for the reductions.
__global__ void attention_decode(const float* q, const float* k_new, const float* v_new, float* kc, float* vc, float* o,
                                 float scale, int pos)
{
    extern __shared__ __align__(16) float smem[];
    float* prob = smem;
    float* qs = smem + CTX;
    float* red = smem + CTX + HD;

    int t = threadIdx.x;
    long base = (long)blockIdx.x * CTX * HD;

    qs[t] = q[blockIdx.x * HD + t];
    kc[base + pos * HD + t] = k_new[blockIdx.x * HD + t];
    vc[base + pos * HD + t] = v_new[blockIdx.x * HD + t];
    __syncthreads();

    float best = -INFINITY;
    for (int p = t; p <= pos; p += blockDim.x) {
        const float4* row = (const float4*)(kc + base + p * HD);
        const float4* query = (const float4*)qs;
        float s = 0.f;
        for (int d = 0; d < HD / 4; d++) {
            float4 a = query[d];
            float4 b = row[d];
            s = fmaf(a.x, b.x, s);
            s = fmaf(a.y, b.y, s);
            s = fmaf(a.z, b.z, s);
            s = fmaf(a.w, b.w, s);
        }
        s = __fmul_rn(s, scale);
        prob[p] = s;
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
    for (int p = t; p <= pos; p += blockDim.x) {
        float e = expf(__fsub_rn(prob[p], best));
        prob[p] = e;
        sum = __fadd_rn(sum, e);
    }
    red[t] = sum;
    __syncthreads();
    for (int n = HD / 4; n > 0; n >>= 1) {  // <- equal
        if (t < n) red[t] += red[t + n];  // <- equal
        __syncthreads();
    }
    sum = red[0];

    for (int p = t; p <= pos; p += blockDim.x) {
        prob[p] = prob[p] / sum;
    }
    __syncthreads();

    float acc = 0.f;
    for (int p = 0; p <= pos; p++) {
        acc = fmaf(prob[p], vc[base + p * HD + t], acc);
    }
    o[blockIdx.x * HD + t] = acc;
}

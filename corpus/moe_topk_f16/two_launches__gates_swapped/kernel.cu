// tv: refuted equal
// One thread chooses two experts; then one warp a row multiplies the rows of both by the token.
#include <cuda_fp16.h>

#ifndef E
#define E 8
#endif
#ifndef N
#define N 1408
#endif
#ifndef K
#define K 2048
#endif

__global__ void gate(const float* __restrict__ logits, int* __restrict__ experts, float* __restrict__ gates)
{
    float first = -INFINITY, second = -INFINITY;
    int expert = 0, other = 0;
    for (int e = 0; e < E; ++e) {
        const float logit = logits[e];
        if (logit > first) {
            first = logit;
            expert = e;
        }
    }
    for (int e = 0; e < E; ++e) {
        const float logit = logits[e];
        if (e != expert && logit > second) {
            second = logit;
            other = e;
        }
    }
    const float greatest = fmaxf(first, second);
    const float a = expf(first - greatest), b = expf(second - greatest);
    const float sum = a + b;  // <- equal
    gates[1] = a / sum;
    gates[0] = b / sum;
    experts[0] = expert;
    experts[1] = other;
}

__global__ void experts_of_token(const half* __restrict__ W, const half* __restrict__ x, const int* __restrict__ experts,
                                 const float* __restrict__ gates, half* __restrict__ y)
{
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    const int lane = threadIdx.x;
    if (row >= N) {
        return;
    }
    const half2* v = (const half2*)x;
    float total = 0.0f;
    for (int choice = 0; choice < 2; ++choice) {
        const int e = experts[choice];
        const half2* w = (const half2*)(W + ((size_t)e * N + row) * K);
        float sum = 0.0f;
        for (int i = lane; i < K / 2; i += 32) {
            const float2 a = __half22float2(w[i]);  // <- equal
            const float2 b = __half22float2(v[i]);
            sum = fmaf(a.x, b.x, sum);
            sum = fmaf(a.y, b.y, sum);
        }
        for (int m = 16; m >= 1; m /= 2) {
            sum += __shfl_xor_sync(0xffffffffu, sum, m);
        }
        total += gates[choice] * __half2float(__float2half_rn(sum));  // <- equal
    }
    if (lane == 0) {
        y[row] = __float2half_rn(total);  // <- equal
    }
}

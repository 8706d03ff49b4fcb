// tv: refuted race
#include <cuda_fp16.h>

#ifndef G
#define G 3
#endif
#ifndef T
#define T 7
#endif
#ifndef S
#define S 500
#endif
#ifndef HD
#define HD 128
#endif
#define WARPS (HD / 32)
#define FULL 0xffffffffu

__device__ float warp_max(float v)
{
    for (int m = 16; m > 0; m >>= 1)
        v = fmaxf(v, __shfl_xor_sync(FULL, v, m));
    return v;
}

__device__ float warp_sum(float v)
{
    for (int m = 16; m > 0; m >>= 1)
        v += __shfl_xor_sync(FULL, v, m);
    return v;
}

// A block is one query of one head, a thread one dimension of its output.
__global__ void __launch_bounds__(HD)
attention_cross(const half* __restrict__ q, const half* __restrict__ k, const half* __restrict__ v, half* __restrict__ o, float scale)
{
    __shared__ float score[S];
    __shared__ float red[WARPS];

    const int row = blockIdx.x;
    const int head = blockIdx.y;
    const int group = head / G;
    const int t = threadIdx.x;
    const int lane = t % 32;
    const int warp = t / 32;
    const half* qr = q + (size_t)(head * T + row) * HD;
    const half* kh = k + (size_t)group * S * HD;
    const half* vh = v + (size_t)group * S * HD;

    for (int j = warp; j < S; j += WARPS) {
        float s = 0.0f;
        for (int d = lane; d < HD / 2; d += 32) {
            const float2 a = __half22float2(((const half2*)qr)[d]);
            const float2 b = __half22float2(((const half2*)(kh + j * HD))[d]);
            s += a.x * b.x;
            s += a.y * b.y;
        }
        s = warp_sum(s);
        if (lane == 0) {
            score[j] = __half2float(__hmul(__float2half(s), __float2half(scale)));
        }
    }
    __syncthreads();

    float top = -INFINITY;
    for (int j = t; j < S; j += HD)
        top = fmaxf(top, score[j]);
    top = warp_max(top);
    if (lane == 0)
        red[warp] = top;
    __syncthreads();
    for (int i = 0; i < WARPS; ++i)
        top = fmaxf(top, red[i]);  // <- race

    float total = 0.0f;
    for (int j = t; j < S; j += HD) {
        const float e = expf(score[j] - top);
        score[j] = e;
        total = __fadd_rn(total, e);
    }
    total = warp_sum(total);
    if (lane == 0)
        red[warp] = total;  // <- race
    __syncthreads();
    total = 0.0f;
    for (int i = 0; i < WARPS; ++i)
        total += red[i];

    float acc = 0.0f;
    for (int j = 0; j < S; ++j)
        acc += __half2float(__float2half(score[j] / total)) * __half2float(vh[j * HD + t]);
    o[(size_t)(head * T + row) * HD + t] = __float2half(acc);
}

// tv: refuted equal
#include <cuda_runtime.h>

#ifndef HD
#define HD 128
#endif
#ifndef CTX
#define CTX 4096
#endif
#define WARPS (HD / 32)
#define FULL 0xffffffffu

// One block per head, one thread per head dimension. `pos` entries are in the cache already.
__global__ void __launch_bounds__(HD)
attention_decode(const float* __restrict__ q, const float* __restrict__ k_new, const float* __restrict__ v_new,
                 float* kc, float* vc, float* __restrict__ o, float scale, int pos)
{
    __shared__ float score[CTX];
    __shared__ float red[WARPS];

    const int head = blockIdx.x;
    const int t = threadIdx.x;
    const int lane = t % 32;
    const int warp = t / 32;
    float* kh = kc + (size_t)head * CTX * HD;
    float* vh = vc + (size_t)head * CTX * HD;

    kh[pos * HD + t] = k_new[head * HD + t];
    vh[pos * HD + t] = v_new[head * HD + t];
    __syncthreads();

    for (int p = warp; p <= pos; p += WARPS) {
        float s = 0.0f;
        for (int d = lane; d < HD; d += 32) {
            s += q[head * HD + d] * kh[p * HD + d];
        }
        for (int m = 16; m > 0; m >>= 1) {
            s += __shfl_xor_sync(FULL, s, m);
        }
        if (lane == 0) {
            score[p] = s * scale;
        }
    }
    __syncthreads();

    float top = -INFINITY;
    for (int p = t; p <= pos; p += HD) {
        top = fmaxf(top, score[p]);
    }
    for (int m = 16; m > 0; m >>= 1) {
        top = fmaxf(top, __shfl_xor_sync(FULL, top, m));
    }
    if (lane == 0) {
        red[warp] = top;
    }
    __syncthreads();
    top = red[0];
    for (int i = 1; i < WARPS; ++i) {
        top = fmaxf(top, red[i]);
    }
    __syncthreads();

    float total = 0.0f;
    for (int p = t; p <= pos; p += HD) {
        const float e = expf(score[p] - top);
        score[p] = e;
        total = __fadd_rn(total, e);
    }
    for (int m = 16; m > 0; m >>= 1) {
        total += __shfl_xor_sync(FULL, total, m);
    }
    if (lane == 0) {
        red[warp] = total;
    }
    __syncthreads();
    total = 0.0f;
    for (int i = 0; i < WARPS; ++i) {
        total += red[i];
    }

    float acc = 0.0f;
    for (int p = 0; p < pos; ++p) {  // <- equal
        acc += score[p] / total * vh[p * HD + t];  // <- equal
    }
    o[head * HD + t] = acc;  // <- equal
}

// tv: refuted equal
#include <cuda_bf16.h>

#ifndef G
#define G 4
#endif
#ifndef HD
#define HD 128
#endif
#ifndef CTX
#define CTX 4096
#endif
#define WARPS (HD / 32)
#define FULL 0xffffffffu

// One block a group: it appends the group's key and value, then takes its G queries in turn.
__global__ void __launch_bounds__(HD)
attention_grouped(const __nv_bfloat16* __restrict__ q, const __nv_bfloat16* __restrict__ k_new, const __nv_bfloat16* __restrict__ v_new,
                  __nv_bfloat16* kc, __nv_bfloat16* vc, __nv_bfloat16* __restrict__ o, float scale, int pos)
{
    __shared__ float score[CTX];
    __shared__ float red[WARPS];

    const int group = blockIdx.x;
    const int t = threadIdx.x;
    const int lane = t & 31;
    const int warp = t >> 5;
    __nv_bfloat16* kh = kc + (size_t)group * CTX * HD;
    __nv_bfloat16* vh = vc + (size_t)group * CTX * HD;

    kh[pos * HD + t] = k_new[group * HD + t];
    vh[pos * HD + t] = v_new[group * HD + t];
    __syncthreads();

    for (int g = 0; g < G; ++g) {
        const int head = g * gridDim.x + group;  // <- equal
        for (int p = warp; p <= pos; p += WARPS) {
            float s = 0.0f;
            for (int d = lane; d < HD; d += 32)
                s = fmaf(__bfloat162float(q[head * HD + d]), __bfloat162float(kh[p * HD + d]), s);
            for (int m = 16; m > 0; m >>= 1)
                s += __shfl_xor_sync(FULL, s, m);
            if (lane == 0)
                score[p] = __bfloat162float(__hmul(__float2bfloat16(s), __float2bfloat16(scale)));
        }
        __syncthreads();

        float top = -INFINITY;
        for (int p = t; p <= pos; p += HD)
            top = fmaxf(top, score[p]);
        for (int m = 16; m > 0; m >>= 1)
            top = fmaxf(top, __shfl_xor_sync(FULL, top, m));
        if (lane == 0)
            red[warp] = top;
        __syncthreads();
        top = red[0];
        for (int i = 1; i < WARPS; ++i)
            top = fmaxf(top, red[i]);
        __syncthreads();

        float total = 0.0f;
        for (int p = t; p <= pos; p += HD) {
            const float e = expf(score[p] - top);
            score[p] = e;
            total = __fadd_rn(total, e);
        }
        for (int m = 16; m > 0; m >>= 1)
            total += __shfl_xor_sync(FULL, total, m);
        if (lane == 0)
            red[warp] = total;
        __syncthreads();
        total = 0.0f;
        for (int i = 0; i < WARPS; ++i)
            total += red[i];

        float acc = 0.0f;
        for (int p = 0; p <= pos; ++p)
            acc = fmaf(__bfloat162float(__float2bfloat16(score[p] / total)), __bfloat162float(vh[p * HD + t]), acc);  // <- equal
        o[head * HD + t] = __float2bfloat16(acc);  // <- equal
        __syncthreads();
    }
}

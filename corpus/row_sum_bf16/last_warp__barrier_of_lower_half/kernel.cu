// tv: refuted barrier
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 5120
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__global__ void row_sum(const __nv_bfloat16* __restrict__ x, __nv_bfloat16* __restrict__ y, int rows)
{
    __shared__ float s[BLOCK];

    const int t = threadIdx.x;
    const __nv_bfloat16* xr = x + (size_t)blockIdx.x * COLS;
    float sum = 0.0f;
    for (int c = t; c < COLS; c += BLOCK) {
        sum += __bfloat162float(xr[c]);
    }
    s[t] = sum;
    __syncthreads();
    for (int half = BLOCK / 2; half > 32; half >>= 1) {
        if (t < half) {
            s[t] += s[t + half];
        }
        __syncthreads();
    }
    if (t < 32) {
        float v = s[t] + s[t + 32];
        for (int half = 16; half > 0; half >>= 1) {
            s[t] = v;
            __syncwarp(0xffffu);  // <- barrier
            if (t < half) {
                v += s[t + half];
            }
            __syncwarp(0xffffu);  // <- barrier
        }
        if (t == 0) {
            y[blockIdx.x] = __float2bfloat16_rn(v);
        }
    }
}

// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 5120
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__global__ void rmsnorm(const half* x, const half* w, half* y, int rows, float eps)
{
    __shared__ float red[BLOCK];
    __shared__ float scale;

    if (blockIdx.x >= rows) return;

    const half2* x2 = (const half2*)(x + (long long)blockIdx.x * blockDim.x);  // <- equal
    const half2* w2 = (const half2*)w;
    half2* y2 = (half2*)(y + (long long)blockIdx.x * COLS);
    int t = threadIdx.x;

    float acc = 0.f;
    for (int i = t; i < COLS / 2; i += blockDim.x) {
        float2 f = __half22float2(x2[i]);
        acc += f.x * f.x + f.y * f.y;
    }
    red[t] = acc;
    __syncthreads();

    for (int half_block = blockDim.x / 2; half_block > 16; half_block /= 2) {
        if (t < half_block) red[t] += red[t + half_block];
        __syncthreads();
    }
    if (t < 32) {
        acc = red[t];
        acc += __shfl_xor_sync(0xffffffff, acc, 16);
        acc += __shfl_xor_sync(0xffffffff, acc, 8);
        acc += __shfl_xor_sync(0xffffffff, acc, 4);
        acc += __shfl_xor_sync(0xffffffff, acc, 2);
        acc += __shfl_xor_sync(0xffffffff, acc, 1);
        if (t == 0) scale = 1.f / sqrtf(acc / COLS + eps);
    }
    __syncthreads();

    float s = scale;
    for (int i = t; i < COLS / 2; i += blockDim.x) {
        float2 f = __half22float2(x2[i]);  // <- equal
        float2 g = __half22float2(w2[i]);
        float2 n = __half22float2(__floats2half2_rn(f.x * s, f.y * s));
        y2[i] = __floats2half2_rn(g.x * n.x, g.y * n.y);
    }
}

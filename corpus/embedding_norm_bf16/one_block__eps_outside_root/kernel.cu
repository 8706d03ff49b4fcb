// tv: refuted equal
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef BLOCK
#define BLOCK 1024
#endif
#define WARPS (BLOCK / 32)

__global__ void __launch_bounds__(BLOCK)
embedding_norm(const __nv_bfloat16* __restrict__ table, const __nv_bfloat16* __restrict__ weight,
               __nv_bfloat16* __restrict__ row, __nv_bfloat16* __restrict__ y, int token, float eps)
{
    __shared__ float partial[WARPS];
    const __nv_bfloat162* source = (const __nv_bfloat162*)(table + (size_t)token * COLS);
    __nv_bfloat162* copy = (__nv_bfloat162*)row;
    __nv_bfloat162* out = (__nv_bfloat162*)y;

    float sum = 0.0f;
    for (int i = threadIdx.x; i < COLS / 2; i += BLOCK) {
        const __nv_bfloat162 pair = source[i];
        copy[i] = pair;
        const float2 v = __bfloat1622float2(pair);
        sum += v.x * v.x + v.y * v.y;
    }
    for (int o = 16; o > 0; o >>= 1)
        sum += __shfl_down_sync(0xffffffffu, sum, o);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = sum;
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int w = 0; w < WARPS; ++w)
        total += partial[w];

    const float root = sqrtf(total / COLS) + eps;  // <- equal
    for (int i = threadIdx.x; i < COLS / 2; i += BLOCK) {
        const float2 v = __bfloat1622float2(source[i]);
        const __nv_bfloat162 normed = __floats2bfloat162_rn(v.x / root, v.y / root);  // <- equal
        out[i] = __hmul2(normed, ((const __nv_bfloat162*)weight)[i]);  // <- equal
    }
}

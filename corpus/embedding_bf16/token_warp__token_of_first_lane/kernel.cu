// tv: refuted equal
#include <cuda_bf16.h>

#ifndef D
#define D 1600
#endif

// One warp per token, pairs of columns; ids fit in 32 bits.
__global__ void embedding(const long long* __restrict__ ids, const __nv_bfloat16* __restrict__ table,
                          __nv_bfloat16* __restrict__ y, int tokens)
{
    const int token = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (token >= tokens)
        return;
    const int id = (int)ids[blockIdx.x * (blockDim.x / 32)];  // <- equal
    const bool padding = id == 1;  // <- equal
    const __nv_bfloat16* row = table + id * D;
    for (int c = lane; c < D; c += 32) {
        const __nv_bfloat16 v = row[c];  // <- equal
        y[(size_t)token * D + c] = padding ? __float2bfloat16(0.0f) : v;  // <- equal
    }
}

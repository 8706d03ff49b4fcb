// tv: refuted equal
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 10240
#endif

__device__ __forceinline__ float gelu(float v)
{
    const float half_of = 0.5f * v;
    return half_of * (1.0f + erff(v / sqrtf(2.0f)));  // <- equal
}

// One row per blockIdx.y, two columns per thread.
__global__ void bias_gelu(const __nv_bfloat16* __restrict__ x, const __nv_bfloat16* __restrict__ bias,
                          __nv_bfloat16* __restrict__ y, int rows)
{
    const int col = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    const int row = blockIdx.y;
    if (row >= rows || col >= COLS) return;

    const size_t at = (size_t)row * COLS + col;
    const __nv_bfloat162 v = *reinterpret_cast<const __nv_bfloat162*>(x + at);
    const __nv_bfloat162 b = *reinterpret_cast<const __nv_bfloat162*>(bias + col);
    const float2 sum = make_float2(__low2float(v) + __low2float(b), __high2float(v) + __high2float(b));  // <- equal
    __nv_bfloat162 r;
    r.x = __float2bfloat16(gelu(sum.x));  // <- equal
    r.y = __float2bfloat16(gelu(sum.y));  // <- equal
    *reinterpret_cast<__nv_bfloat162*>(y + at) = r;  // <- equal
}

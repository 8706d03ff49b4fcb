// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 10240
#endif

__device__ __forceinline__ float gelu(float v)
{
    const float root = sqrtf(0.63661977236758134308f);
    const float cube = 0.044715f * (v * v * v);
    return 0.5f * v * (1.0f + tanhf(v + cube));  // <- equal
}

// One row per blockIdx.y, one column per thread.
__global__ void bias_gelu(const __half* __restrict__ x, const __half* __restrict__ bias, __half* __restrict__ y, int rows)
{
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y;
    if (row < rows && col < COLS) {
        const __half sum = __hadd(x[(size_t)row * COLS + col], bias[col]);
        y[(size_t)row * COLS + col] = __float2half(gelu(__half2float(sum)));
    }
}

// tv: proved reassoc
#include <cuda_fp16.h>

#ifndef N
#define N 1000
#endif
#ifndef K
#define K 3072
#endif

__device__ __forceinline__ float gelu(float v)
{
    return 0.5f * v * (1.0f + erff(v / 1.4142135381698608f));
}

// A block's threads hold neighbouring columns of one row; every rounding to half that the graph has is made.
__global__ void __launch_bounds__(128)
linear_gelu(const __half* __restrict__ x, const __half* __restrict__ w, const __half* __restrict__ b,
            const __half* __restrict__ skip, __half* __restrict__ y, int rows)
{
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y;
    if (col >= N || row >= rows) return;

    const __half* xr = x + (size_t)row * K;
    float sum = 0.0f;
#pragma unroll 4
    for (int k = 0; k < K; ++k)
        sum += __half2float(xr[k]) * __half2float(w[(size_t)k * N + col]);

    const __half shifted = __float2half(__half2float(__float2half(sum)) + __half2float(b[col]));
    const __half active = __float2half(gelu(__half2float(shifted)));
    y[(size_t)row * N + col] = __float2half(__half2float(active) + __half2float(skip[(size_t)row * N + col]));
}

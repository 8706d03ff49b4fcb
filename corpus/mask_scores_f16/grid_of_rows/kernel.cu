// tv: proved bitwise
#include <cuda_fp16.h>

#ifndef H
#define H 32
#endif
#ifndef S
#define S 1500
#endif

// blockIdx.y: the query; blockIdx.z: sequence and head.
__global__ void mask_scores(const __half* __restrict__ scores, const unsigned char* __restrict__ mask, __half* __restrict__ y)
{
    const int key = blockIdx.x * blockDim.x + threadIdx.x;
    if (key >= S) return;
    const int sequence = blockIdx.z / H;
    const size_t at = ((size_t)blockIdx.z * S + blockIdx.y) * S + key;
    const bool seen = mask[(sequence * S + blockIdx.y) * S + key] != 0;
    const __half low = __float2half(-50.0f);
    const __half high = __float2half(50.0f);
    y[at] = seen ? __hmin(__hmax(scores[at], low), high) : __float2half(-65504.0f);
}

// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef H
#define H 32
#endif
#ifndef HD
#define HD 128
#endif

// blockIdx.y: the head; blockIdx.z: the sequence. A thread turns one pair.
__global__ void rope(const half2* __restrict__ x, const half* __restrict__ cosine, const half* __restrict__ sine,
                     half2* __restrict__ y, int length)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int pairs = length * (HD / 2);
    if (i > pairs) return;
    const size_t row = ((size_t)blockIdx.z * H + blockIdx.y) * pairs;
    const size_t table = (size_t)blockIdx.z * pairs;
    const float c = __half2float(cosine[table + i]);  // <- bounds
    const float s = __half2float(sine[table + i]);
    const float2 v = __half22float2(x[row + i]);
    y[row + i] = __floats2half2_rn(v.x * c - v.y * s, v.x * s + v.y * c);
}

// tv: refuted bounds
#include <cuda_bf16.h>

#ifndef H
#define H 14
#endif
#ifndef HD
#define HD 64
#endif

// A block: one token, four heads; a thread: one pair of a head, as far apart as half of it.
__global__ void rope(const __nv_bfloat16* __restrict__ x, const float* __restrict__ cosine, const float* __restrict__ sine,
                     __nv_bfloat16* __restrict__ y, int length)
{
    const int token = blockIdx.x;
    const int head = blockIdx.y * blockDim.y + threadIdx.y;
    const int i = threadIdx.x;
    const float c = cosine[token * (HD / 2) + i];
    const float s = sine[token * (HD / 2) + i];
    const size_t at = ((size_t)token * H + head) * HD + i;
    const float re = __bfloat162float(x[at]);  // <- bounds
    const float im = __bfloat162float(x[at + HD / 2]);
    y[at] = __float2bfloat16(re * c - im * s);
    y[at + HD / 2] = __float2bfloat16(im * c + re * s);
}

// tv: proved bitwise
#include <cuda_bf16.h>

#ifndef H
#define H 40
#endif
#ifndef HD
#define HD 128
#endif

// One block per token; a pair per thread and step.
__global__ void merge_heads(const __nv_bfloat162* __restrict__ x, __nv_bfloat162* __restrict__ y, int length)
{
    const int token = blockIdx.x;
    for (int i = threadIdx.x; i < H * (HD / 2); i += blockDim.x) {
        const int head = i / (HD / 2);
        const int pair = i % (HD / 2);
        y[(size_t)token * (H * (HD / 2)) + i] = x[((size_t)head * length + token) * (HD / 2) + pair];
    }
}

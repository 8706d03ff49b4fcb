// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef H
#define H 32
#endif
#ifndef HD
#define HD 128
#endif
#define GROUPS (HD / 8)

// blockIdx.y: the head; blockIdx.z: the sequence. Eight halves per thread.
__global__ void split_heads(const half* __restrict__ x, half* __restrict__ y, int length)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int token = i / GROUPS;
    const int group = i % GROUPS;
    if (token > length) return;
    const int head = blockIdx.y;
    const int sequence = blockIdx.z;

    const uint4* from = reinterpret_cast<const uint4*>(x) + ((size_t)sequence * length + token) * H * GROUPS;
    uint4* to = reinterpret_cast<uint4*>(y) + ((size_t)sequence * H + head) * length * GROUPS;
    to[token * GROUPS + group] = from[head * GROUPS + group];  // <- bounds
}

// tv: proved bitwise
#include <cuda_fp16.h>

#ifndef H
#define H 8
#endif
#ifndef S
#define S 1024
#endif
#ifndef D
#define D 64
#endif

// One block for each head of each sequence, eight halves a thread.
__global__ void cache_update(half* __restrict__ keys, half* __restrict__ values, const half* __restrict__ new_keys,
                             const half* __restrict__ new_values, const long long* __restrict__ positions)
{
    const int head = blockIdx.y * H + blockIdx.x;
    const long long at = positions[blockIdx.y];
    const long long to = (head * (long long)S + at) * D + threadIdx.x * 8;
    const int from = head * D + threadIdx.x * 8;
    *reinterpret_cast<uint4*>(keys + to) = *reinterpret_cast<const uint4*>(new_keys + from);
    *reinterpret_cast<uint4*>(values + to) = *reinterpret_cast<const uint4*>(new_values + from);
}

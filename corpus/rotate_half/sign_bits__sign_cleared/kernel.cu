// tv: refuted equal
#include <cuda_fp16.h>

#ifndef D
#define D 128
#endif

// Two halves at a time; a sign is the top bit of each.
__global__ void rotate_half(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    const int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= rows * (D / 4)) return;
    const int row = t / (D / 4);
    const int pair = t % (D / 4);

    const unsigned int* in = reinterpret_cast<const unsigned int*>(x) + row * (D / 2);
    unsigned int* out = reinterpret_cast<unsigned int*>(y) + row * (D / 2);
    const unsigned int first = in[pair];
    out[pair + D / 4] = first;
    const unsigned int second = in[pair + D / 4];
    out[pair] = second & 0x7fff7fffu; // <- equal
}

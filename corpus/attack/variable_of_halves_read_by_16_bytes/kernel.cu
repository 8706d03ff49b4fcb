// tv: unknown bounds
// The compiler puts the array at any even address, wherever the buffers of the caller lie.
#include <cuda_fp16.h>

__device__ __half w[8];

__global__ void add(const __half* x, __half* y)
{
    const uint4 bits = *(const uint4*)w;  // <- bounds
    const __half2* pairs = (const __half2*)&bits;
    for (int k = 0; k < 4; ++k) {
        const int at = 8 * threadIdx.x + 2 * k;
        y[at] = __hadd(x[at], __low2half(pairs[k]));
        y[at + 1] = __hadd(x[at + 1], __high2half(pairs[k]));
    }
}

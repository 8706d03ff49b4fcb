// tv: unsupported TV0109
// The header's shuffles of halves are as wide as it says, 32 where nobody said anything.
#define warpSize 16
#include <cuda_fp16.h>
__global__ void k(const __half* x, __half* y)
{
    const int t = threadIdx.x;
    y[t] = __shfl_xor_sync(0xffffffffu, x[t], 16);
}

// tv: unknown equal
// A lane that reads itself: the compiler may know, and contract.
#include <cuda_fp16.h>

__global__ void k(const half* a, const half* b, const half* c, half* y, half* z)
{
    const int t = threadIdx.x;
    const half p = __hmul(a[t], b[t]);
    const half q = __shfl_xor_sync(0xffffffffu, p, 0);
    z[t] = q;
    y[t] = __hadd(q, c[t]);
}

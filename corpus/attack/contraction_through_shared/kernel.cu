// tv: unknown equal
// The compiler forwards the stored product to the load, and then contracts it with the sum.
#include <cuda_fp16.h>

__global__ void k(const half* a, const half* b, const half* c, half* y)
{
    const int t = threadIdx.x;
    __shared__ half s[32];
    s[t] = __hmul(a[t], b[t]);
    y[t] = __hadd(s[t], c[t]);
}

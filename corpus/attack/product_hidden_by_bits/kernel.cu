// tv: unknown equal
#include <cuda_fp16.h>

__global__ void k(const half* a, const half* b, const half* c, half* y)
{
    const int t = threadIdx.x;
    const half p = __hmul(a[t], b[t]);
    y[t] = __hadd(__ushort_as_half(__half_as_ushort(p) & 0xffff), c[t]);
}

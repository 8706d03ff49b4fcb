// tv: unknown equal
// The register that other lanes read is still the product, and is contracted with the sum.
#include <cuda_fp16.h>

__global__ void k(const half* a, const half* b, const half* c, half* y, half* z)
{
    const int t = threadIdx.x;
    const half p = __hmul(a[t], b[t]);
    const half q = __shfl_xor_sync(0xffffffffu, p, 1);
    z[t ^ 1] = q;
    y[t] = __hadd(p, c[t]);
}

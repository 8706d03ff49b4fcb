// tv: proved bitwise
// What came through another lane is no product any more.
#include <cuda_fp16.h>

__global__ void k(const half* a, const half* b, const half* c, half* y, half* z)
{
    const int t = threadIdx.x;
    const half p = __hmul(a[t], b[t]);
    const half q = __shfl_xor_sync(0xffffffffu, p, 1);
    const half r = __shfl_xor_sync(0xffffffffu, q, 1);
    z[t] = r;
    y[t] = __hadd(r, c[t]);
}

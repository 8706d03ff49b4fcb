// tv: refuted bounds
#include <cuda_fp16.h>

__global__ void half_fma(const half* __restrict__ a, const half* __restrict__ b, const half* __restrict__ c,
                         half* __restrict__ y, int n)
{
    int pair = blockIdx.x * blockDim.x + threadIdx.x;
    int i = 2 * pair;
    if (i < n) {
        half2 p = __hmul2_rn(((const half2*)a)[pair], ((const half2*)b)[pair]);  // <- bounds
        ((half2*)y)[pair] = __hadd2(p, ((const half2*)c)[pair]);
    } else if (i < n) {
        y[i] = __hadd(__hmul_rn(a[i], b[i]), c[i]);
    }
}

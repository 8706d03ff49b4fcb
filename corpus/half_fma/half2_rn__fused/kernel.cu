// tv: refuted equal
#include <cuda_fp16.h>

__global__ void half_fma(const half* __restrict__ a, const half* __restrict__ b, const half* __restrict__ c,
                         half* __restrict__ y, int n)
{
    int pair = blockIdx.x * blockDim.x + threadIdx.x;
    int i = 2 * pair;
    if (i + 1 < n) {
        half2 p = ((const half2*)a)[pair];
        half2 q = ((const half2*)b)[pair];
        ((half2*)y)[pair] = __hfma2(p, q, ((const half2*)c)[pair]);  // <- equal
    } else if (i < n) {
        y[i] = __hadd(__hmul_rn(a[i], b[i]), c[i]);
    }
}

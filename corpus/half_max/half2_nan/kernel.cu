// tv: proved bitwise
#include <cuda_fp16.h>

__global__ void half_max(const half* __restrict__ a, const half* __restrict__ b, half* __restrict__ y, int n)
{
    int pair = blockIdx.x * blockDim.x + threadIdx.x;
    int i = 2 * pair;
    if (i + 1 < n) {
        ((half2*)y)[pair] = __hmax2_nan(((const half2*)a)[pair], ((const half2*)b)[pair]);
    } else if (i < n) {
        y[i] = __hmax_nan(a[i], b[i]);
    }
}

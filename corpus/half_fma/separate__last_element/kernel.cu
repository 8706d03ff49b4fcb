// tv: refuted coverage
#include <cuda_fp16.h>

__global__ void half_fma(const __half* a, const __half* b, const __half* c, __half* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i + 1 < n) {
        const __half product = __float2half_rn(__half2float(a[i]) * __half2float(b[i]));
        y[i] = __float2half_rn(__half2float(product) + __half2float(c[i]));  // <- coverage
    }
}

// tv: refuted equal
#include <cuda_fp16.h>

__global__ void half_fma(const __half* a, const __half* b, const __half* c, __half* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = __hfma(a[i], b[i], c[i]);  // <- equal
    }
}

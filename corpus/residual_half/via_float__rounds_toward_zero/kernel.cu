// tv: refuted equal
#include <cuda_fp16.h>

__global__ void residual(const __half* __restrict__ a, const __half* __restrict__ b, __half* __restrict__ y, int n)
{
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < (unsigned int)n) {
        float u = __half2float(a[i]);
        float v = __half2float(b[i]);
        y[i] = __float2half_rz(u + v);  // <- equal
    }
}

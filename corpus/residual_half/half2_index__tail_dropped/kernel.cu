// tv: refuted coverage
#include <cuda_fp16.h>

__global__ void residual(const __half* a, const __half* b, __half* y, int n)
{
    int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n - 1) {
        __half2 u = *(const __half2*)&a[i];
        __half2 v = *(const __half2*)&b[i];
        *(__half2*)&y[i] = __hadd2(u, v);  // <- coverage
    }
}

// tv: refuted coverage
#include <cuda_fp16.h>

__global__ void residual(const half* a, const half* b, half* y, int n)
{
    const half2* a2 = (const half2*)a;
    const half2* b2 = (const half2*)b;
    half2* y2 = (half2*)y;

    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n / 2) {
        y2[t] = __hadd2(a2[t], b2[t]);  // <- coverage
    }
}

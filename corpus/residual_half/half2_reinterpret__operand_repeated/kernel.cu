// tv: refuted equal
#include <cuda_fp16.h>

__global__ void residual(const __half* __restrict__ a, const __half* __restrict__ b, __half* __restrict__ y, int n)
{
    const int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= n) return;

    if (i + 1 < n) {
        const __half2 u = reinterpret_cast<const __half2*>(a)[i / 2];
        const __half2 v = reinterpret_cast<const __half2*>(b)[i / 2];
        reinterpret_cast<__half2*>(y)[i / 2] = __hadd2(u, u);  // <- equal
    } else {
        y[i] = __hadd(a[i], b[i]);
    }
}

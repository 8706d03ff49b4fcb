// tv: refuted equal
#include <cuda_fp16.h>

__global__ void
bias_rows(const __half* __restrict__ x, const __half* __restrict__ b, const __half* __restrict__ s, __half* __restrict__ y,
          unsigned M, unsigned N)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= M * N) {
        return;
    }
    const float t = __half2float(x[i]) + __half2float(b[i % N]);  // <- equal
    y[i] = __float2half_rn(t * __half2float(s[i / N]));  // <- equal
}

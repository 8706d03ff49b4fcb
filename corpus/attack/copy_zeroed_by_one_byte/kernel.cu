// tv: refuted equal
// One byte of the last element is zero: the byte that holds the sign.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ __align__(16) float s[256];
    const int t = threadIdx.x;
    __pipeline_memcpy_async(&s[4 * t], &x[4 * t], 16, 1);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int i = t; i < 256; i += 64)
        y[i] = -s[i];  // <- equal
}

// tv: refuted bounds
// The source of a copy of 16 bytes is aligned to 16 bytes, and so where all but one element are zeros.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ __align__(16) float s[256];
    const int t = threadIdx.x;
    __pipeline_memcpy_async(&s[4 * t], &x[4 * t + 1], 16, t == 63 ? 12 : 0);  // <- bounds
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int i = t; i < 256; i += 64)
        y[i + 1] = -s[i];
    if (t == 0)
        y[0] = -x[0];
}

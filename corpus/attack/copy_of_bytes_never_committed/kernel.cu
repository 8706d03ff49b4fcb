// tv: refuted race
// A copy that no group was closed for is not waited for, however late the wait stands.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ __align__(16) float s[256];
    const int t = threadIdx.x;
    __pipeline_memcpy_async(&s[4 * t], &x[4 * t], 16);  // <- race
    __pipeline_wait_prior(0);
    __syncthreads();
    __pipeline_commit();
    for (int i = 0; i < 4; ++i)
        y[t + 64 * i] = -s[t + 64 * i];  // <- race
}

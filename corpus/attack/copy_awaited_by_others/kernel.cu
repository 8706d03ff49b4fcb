// tv: refuted race
// Each thread waits for its own groups alone: threads that issued nothing wait for nothing.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ float s[256];
    const int t = threadIdx.x;
    if (t < 32) {
        for (int i = t; i < 256; i += 32)
            __pipeline_memcpy_async(&s[i], &x[i], 4);  // <- race
        __pipeline_commit();
    } else {
        __pipeline_wait_prior(0);
    }
    __syncthreads();
    for (int i = t; i < 256; i += 64)
        y[i] = -s[i];  // <- race
}

// tv: refuted race
// The source is written while the copy may still read it.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ float s[256];
    const int t = threadIdx.x;
    for (int i = t; i < 256; i += 64)
        y[i] = x[i];
    for (int i = t; i < 256; i += 64)
        __pipeline_memcpy_async(&s[i], &y[i], 4);  // <- race
    __pipeline_commit();
    for (int i = t; i < 256; i += 64)
        y[i] = -x[i];  // <- race
    __pipeline_wait_prior(0);
}

// tv: refuted race
// The copy's own thread reads a cell of its destination before the wait: it may find either value.
#include <cuda_pipeline.h>

__global__ void k(const float* x, float* y)
{
    __shared__ float s[64];
    const int t = threadIdx.x;
    for (int i = 0; i < 4; ++i) {
        __pipeline_memcpy_async(&s[t], &x[t + 64 * i], 4);  // <- race
        __pipeline_commit();
        const float v = s[t];  // <- race
        __pipeline_wait_prior(0);
        y[t + 64 * i] = -s[t] + 0.0f * v;
    }
}

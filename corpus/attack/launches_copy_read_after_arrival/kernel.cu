// tv: refuted race
// A copy that a block has issued before it arrives may still read when the last block stores.
#include <cuda_pipeline.h>

__global__ void first(const float* x, float* s)
{
    const int i = blockIdx.x * 64 + threadIdx.x;
    s[i] = x[255 - i];
}

__global__ void second(float* s, float* y, unsigned int* c)
{
    __shared__ bool last;
    __shared__ float kept[64];
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    __pipeline_memcpy_async(&kept[t], &s[i], 4);  // <- race
    __pipeline_commit();
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(c, 1u) == 3;
    __syncthreads();
    if (last) {
        __threadfence();
        for (int j = t; j < 256; j += 64) {
            if (j / 64 != blockIdx.x) s[j] = 0.0f;  // <- race
        }
    }
    __pipeline_wait_prior(0);
    y[i] = kept[t];
}

#include <cuda_pipeline.h>
__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    __shared__ float s[240];
    int k = threadIdx.y * 24 + threadIdx.x;
    i = blockIdx.x * 240 + k;
    if (i < n) __pipeline_memcpy_async(&s[k], &x[i], 4);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncwarp();
    if (i < n) y[i] = s[k] - b[i];
}

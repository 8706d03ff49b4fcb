#include <cuda_bf16.h>
__global__ void add(const float* x, const float* b, float* y, int n, __nv_bfloat16 s) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = __bfloat162float(s) + x[i] - b[i];
}

#include <cuda_fp16.h>
__global__ void add(const half* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = __half2float(x[i]) + b[i];
}

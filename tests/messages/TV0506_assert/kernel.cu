#include <assert.h>
__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    assert(x[0] > 0.0f);
    if (i < n) y[i] = x[i] + b[i];
}

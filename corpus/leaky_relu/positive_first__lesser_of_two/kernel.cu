// tv: refuted equal
#include <cuda_runtime.h>

// One element at a time, blocks striding over the whole array.
__global__ void leaky_relu(const float* __restrict__ x, float* __restrict__ y, int n)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const float v = x[i]; // <- equal
        y[i] = fminf(v, 0.01f * v); // <- equal
    }
}

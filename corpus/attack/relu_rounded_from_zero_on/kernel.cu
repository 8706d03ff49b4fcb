// tv: refuted equal
// Keeps -0, of which a relu makes +0.
#include <cuda_fp16.h>
__global__ void relu(const float* x, half* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = __float2half(v >= 0.0f ? v : 0.0f);  // <- equal
}

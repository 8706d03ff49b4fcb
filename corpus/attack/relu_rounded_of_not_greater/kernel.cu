// tv: refuted equal
// Keeps NaN, of which a relu that ignores it makes zero.
#include <cuda_fp16.h>
__global__ void relu(const float* x, half* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = __float2half(v <= 0.0f ? 0.0f : v);  // <- equal
}

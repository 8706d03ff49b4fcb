// tv: refuted equal
#include <cuda_runtime.h>

// y = relu(x + b): four elements per thread, the last few one by one.
__global__ void bias_relu(const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ y, int n)
{
    int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i + 3 < n) {
        float4 v = *(const float4*)(x + i);
        float4 c = *(const float4*)(b + i);
        v.x = fmaxf(v.x + c.x, 0.0f);  // <- equal
        v.y = fmaxf(v.y + c.y, 0.0f);
        v.z = fmaxf(v.z + c.z, 0.0f);
        v.w = fmaxf(v.w + c.z, 0.0f);  // <- equal
        *(float4*)(y + i) = v;
    } else {
        for (int j = i; j < n; ++j) {
            y[j] = fmaxf(x[j] + b[j], 0.0f);
        }
    }
}

// tv: refuted coverage
#include <cuda_runtime.h>

__device__ __forceinline__ float relu(float v)
{
    return v > 0.0f ? v : 0.0f;
}

// A fixed grid strides over groups of four; the remainder goes to the first threads.
__global__ void bias_relu(const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ y, int n)
{
    const int first = blockIdx.x * blockDim.x + threadIdx.x;
    const int stride = 4 * gridDim.x * blockDim.x;  // <- coverage
    const int groups = n / 4;

    const float4* x4 = reinterpret_cast<const float4*>(x);
    const float4* b4 = reinterpret_cast<const float4*>(b);
    float4* y4 = reinterpret_cast<float4*>(y);

    for (int i = first; i < groups; i += stride) {
        float4 v = x4[i];
        float4 c = b4[i];
        float4 r;
        r.x = relu(v.x + c.x);
        r.y = relu(v.y + c.y);
        r.z = relu(v.z + c.z);
        r.w = relu(v.w + c.w);
        y4[i] = r;  // <- coverage
    }

    const int j = 4 * groups + first;
    if (j < n) {
        y[j] = relu(x[j] + b[j]);  // <- coverage
    }
}

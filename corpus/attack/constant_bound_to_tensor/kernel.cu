// tv: bad-input TV0221
// Nothing can change what a `const` variable holds: nvcc evaluates the call on the 2 that stands here.
__device__ const float c[1] = {2.0f};

__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = x[threadIdx.x] * expf(c[0]);
}

// tv: bad-input TV0221
// The model holds the same number, but nvcc evaluates the call on it, by another function than the device's.
static __device__ const float c[1] = {1.0f};

__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = x[threadIdx.x] * expf(c[0]);
}

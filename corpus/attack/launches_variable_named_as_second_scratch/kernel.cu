// tv: refuted equal
// Two scratch buffers of one name: the file's array is neither of them.
__device__ float u_2[64];

__global__ void first(const float* x, float* u)
{
    u[threadIdx.x] = 1.0f;
}

__global__ void second(const float* x, float* u)
{
    u[threadIdx.x] = x[threadIdx.x];
}

__global__ void third(float* y)
{
    y[threadIdx.x] = u_2[threadIdx.x];  // <- equal
}

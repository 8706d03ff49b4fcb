// tv: unsupported TV0111
// One array of the file, and in the second kernel a shared one of its name: what clears it there clears it for the third.
__device__ float kept[64];

__device__ void clear(int t)
{
    kept[t] = 0.0f;
}

__global__ void first(const float* x)
{
    kept[threadIdx.x] = x[threadIdx.x];
}

__global__ void second(float* u)
{
    __shared__ float kept[64];
    kept[threadIdx.x] = 1.0f;
    clear(threadIdx.x);
    u[threadIdx.x] = kept[threadIdx.x];
}

__global__ void third(float* y)
{
    y[threadIdx.x] = kept[threadIdx.x];
}

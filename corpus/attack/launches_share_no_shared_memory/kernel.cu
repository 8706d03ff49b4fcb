// tv: refuted init
// Shared memory does not outlive a launch, though both kernels call theirs the same.
__global__ void first(const float* x, float* s)
{
    __shared__ float kept[64];
    kept[threadIdx.x] = x[255 - (blockIdx.x * 64 + threadIdx.x)];
    s[blockIdx.x * 64 + threadIdx.x] = kept[threadIdx.x];
}

__global__ void second(const float* s, float* y)
{
    __shared__ float kept[64];
    y[blockIdx.x * 64 + threadIdx.x] = kept[threadIdx.x]; // <- init
}

// tv: proved bitwise
// The second kernel writes its own buffer, not the file's array of the same name.
__device__ float kept[64];

__global__ void first(const float* x)
{
    kept[threadIdx.x] = x[threadIdx.x];
}

__global__ void second(float* kept)
{
    kept[threadIdx.x] = 1.0f;
}

__global__ void third(float* y)
{
    y[threadIdx.x] = kept[threadIdx.x];
}

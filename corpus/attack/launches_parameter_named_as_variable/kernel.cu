// tv: refuted equal
// The second kernel reads the file's own array, which is zero: the first one's parameter has its name only.
__device__ float kept[64];

__global__ void first(const float* x, float* kept)
{
    kept[threadIdx.x] = x[threadIdx.x];
}

__global__ void second(float* y)
{
    y[threadIdx.x] = kept[threadIdx.x];  // <- equal
}

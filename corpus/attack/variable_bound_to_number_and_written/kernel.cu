// tv: unsupported TV0240
// The last thread changes the number while others read it.
__constant__ int n;
__device__ float shift;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift;
    if (i == n)
        shift = 2.0f;
}

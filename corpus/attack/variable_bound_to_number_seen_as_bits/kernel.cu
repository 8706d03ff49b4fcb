// tv: unsupported TV0240
// The variable is read as an integer.
__constant__ int n;
__device__ float shift;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int bits = *(const int*)&shift;
    if (i < n)
        y[i] = x[i] - b[i] + (float)bits;
}

// tv: unsupported TV0240
// What lies behind the variable is read too.
__constant__ int n;
__device__ float shift;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float* at = &shift;
    if (i < n)
        y[i] = x[i] - b[i] + at[i & 1];
}

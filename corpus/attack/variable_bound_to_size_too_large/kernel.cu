// tv: refuted bounds
// The size in the variable is one more than that of the arrays.
__constant__ int n;
__device__ float shift;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift;  // <- bounds
}

// tv: proved bitwise
// The host puts a size and a number into variables of the file before the launch.
__constant__ int n;
__device__ float shift;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift;
}

// tv: refuted equal
// The launch puts another number than the graph's into the variable.
__constant__ int n;
__device__ float shift = 1.5f;

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift;  // <- equal
}

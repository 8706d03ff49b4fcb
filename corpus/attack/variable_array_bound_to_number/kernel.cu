// tv: bad-input TV0224
// One number for an array says nothing of its elements.
__constant__ int n;
__device__ float shift[2];

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift[i & 1];
}

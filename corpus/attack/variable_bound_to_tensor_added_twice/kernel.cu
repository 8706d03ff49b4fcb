// tv: refuted equal
// The variable holds the graph's tensor, and the kernel adds it twice.
__constant__ int n;
__device__ float shift[1];

__global__ void add(const float* x, const float* b, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + (shift[0] + shift[0]);  // <- equal
}

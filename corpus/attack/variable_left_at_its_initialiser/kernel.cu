// tv: refuted equal
// Nothing is bound to the variable, whose initialiser is not the graph's number.
__device__ float shift = 1.25f;

__global__ void add(const float* x, const float* b, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] - b[i] + shift;  // <- equal
}

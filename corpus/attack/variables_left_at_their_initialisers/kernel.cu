// tv: proved bitwise
// Nothing is bound to either variable: one holds its initialiser, the other, zero at first, counts and is read by nobody.
__device__ float shift = 1.5f;
__device__ unsigned int done;

__global__ void add(const float* x, const float* b, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = x[i] - b[i] + shift;
        atomicAdd(&done, 1u);
    }
}

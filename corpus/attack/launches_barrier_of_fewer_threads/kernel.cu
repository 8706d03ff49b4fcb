// tv: refuted barrier
// The second launch's barrier is reached by half of its own threads.
__global__ void first(const float* x, float* s)
{
    s[blockIdx.x * 64 + threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
}

__global__ void second(const float* s, float* y)
{
    const int i = blockIdx.x * 32 + threadIdx.x;
    if (threadIdx.x < 16) __syncthreads(); // <- barrier
    y[i] = s[255 - i];
}

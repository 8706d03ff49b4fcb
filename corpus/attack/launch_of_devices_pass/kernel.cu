// tv: bad-input TV0211
// The host compiles the launch without `__CUDA_ARCH__`, with half of the threads.
#ifdef __CUDA_ARCH__
#define BLOCK 256
#else
#define BLOCK 128
#endif

__global__ void negate(const float* x, float* y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = -x[i];
}

void run(const float* x, float* y)
{
    negate<<<1, BLOCK>>>(x, y);
}

// tv: unknown barrier
// Only the first thread of a block has the flag.
__global__ void k(const float* x, float* y, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    float flag = 0.0f;
    __syncthreads();
    if (threadIdx.x == 0) {
        flag = 1.0f;
        __threadfence();
        atomicAdd(c, 1u);
        while (*(volatile unsigned int*)c < 4u) {
        }
        __threadfence();
    }
    __syncthreads();
    y[i] = x[i] + flag;
}

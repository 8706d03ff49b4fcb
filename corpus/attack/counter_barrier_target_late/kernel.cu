// tv: unknown barrier
// Nobody waits: the target is set after the loop.
__global__ void k(const float* x, float* y, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned int target = 0u;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(c, 1u);
        while (*(volatile unsigned int*)c < target) {
        }
        target = 4u;
        __threadfence();
    }
    __syncthreads();
    y[i] = -x[i];
}

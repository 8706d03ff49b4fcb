// tv: unknown barrier
// Threads 0 and 256 of every block arrive.
__global__ void k(const float* x, float* y, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    __syncthreads();
    if ((unsigned char)threadIdx.x == 0) {
        __threadfence();
        atomicAdd(c, 1u);
        while (*(volatile unsigned int*)c < 4u) {
        }
        __threadfence();
    }
    __syncthreads();
    y[i] = -x[i];
}

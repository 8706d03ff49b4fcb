// tv: refuted barrier
// The float whose bits are 1 is subnormal, which an atomic addition on global memory flushes: the counter stays 0.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    s[i] = x[i];
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd((float*)c, 1.4e-45f);
        while (*(volatile unsigned int*)c < 4u) { // <- barrier
        }
        __threadfence();
    }
    __syncthreads();
    y[i] = s[255 - i];
}

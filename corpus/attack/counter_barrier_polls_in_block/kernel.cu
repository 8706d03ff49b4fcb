// tv: unknown barrier
// The poll has block scope: it acquires nothing of what other blocks released.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    s[i] = x[i];
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(c, 1u);
        while (__nv_atomic_load_n(c, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_BLOCK) < 4u) { // <- barrier
        }
        __threadfence();
    }
    __syncthreads();
    y[i] = s[255 - i];
}

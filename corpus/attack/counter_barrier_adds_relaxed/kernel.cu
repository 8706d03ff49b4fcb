// tv: refuted race
// The arrival is relaxed: it releases nothing of what its block has written.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    s[i] = x[i]; // <- race
    __syncthreads();
    if (threadIdx.x == 0) {
        __nv_atomic_fetch_add(c, 1u, __NV_ATOMIC_RELAXED, __NV_THREAD_SCOPE_DEVICE);
        while (__nv_atomic_load_n(c, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE) < 4u) {
        }
    }
    __syncthreads();
    y[i] = s[255 - i]; // <- race
}

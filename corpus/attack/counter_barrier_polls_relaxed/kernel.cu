// tv: unknown barrier
// The poll is relaxed: it sees that all have arrived, and acquires nothing of what they released.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    s[i] = x[i];
    __syncthreads();
    if (threadIdx.x == 0) {
        __nv_atomic_fetch_add(c, 1u, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);
        while (__nv_atomic_load_n(c, __NV_ATOMIC_RELAXED, __NV_THREAD_SCOPE_DEVICE) < 4u) { // <- barrier
        }
    }
    __syncthreads();
    y[i] = s[255 - i];
}

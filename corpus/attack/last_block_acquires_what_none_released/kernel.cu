// tv: unknown race
// The fences are not the arriving thread's, and the reading side has none: nothing is released.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];  // <- race
    __threadfence();
    __syncthreads();
    if (t == 0) last = __nv_atomic_fetch_add(c, 1u, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE) == 3;
    __syncthreads();
    if (!last) return;
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j];  // <- race
}

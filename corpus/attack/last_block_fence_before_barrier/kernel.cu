// tv: unknown race
// Only thread 0 fences, and before the barrier: what the other threads store is not released.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i]; // <- race
    if (t == 0) __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(c, 1u) == 3;
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j]; // <- race
}

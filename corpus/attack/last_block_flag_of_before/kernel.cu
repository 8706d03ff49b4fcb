// tv: refuted race
// The flag is read before the barrier that makes it known.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(c, 1u) == 3; // <- race
    const bool mine = last; // <- race
    __syncthreads();
    if (!mine) return;
    __threadfence();
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j];
}

// tv: unknown TV0531
// The counter is one of the block: arrivals of several blocks may be lost.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd_block(c, 1u) == 3; // <- TV0531
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j];
}

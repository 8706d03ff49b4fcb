// tv: refuted race
// Two threads of each block arrive: the ticket of the last block's first thread may be another.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];
    __threadfence();
    __syncthreads();
    if (t % 32 == 0) last = atomicAdd(c, 1u) == 3; // <- race
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j];
}

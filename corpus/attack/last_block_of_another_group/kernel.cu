// tv: refuted race
// The last block of a pair finishes the other pair's half, of which nothing is known to be there.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i]; // <- race
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(&c[blockIdx.x / 2], 1u) == 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int j = t; j < 128; j += 64) y[blockIdx.x / 2 * 128 + j] = s[255 - (blockIdx.x / 2 * 128 + j)]; // <- race
}

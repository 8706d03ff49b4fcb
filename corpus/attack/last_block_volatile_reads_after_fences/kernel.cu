// tv: unknown race
// Fences of other threads than the arriving one are ordered with fences only, not with volatile reads.
__global__ void k(const float* x, float* y, volatile float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];  // <- race
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(c, 1u) == 3;
    __syncthreads();
    if (!last) return;
    for (int j = t; j < 256; j += 64) y[j] = s[255 - j];  // <- race
}

// tv: unknown TV0531
// Blocks 1 and 2 may both be last, of two groups, and store to one cell.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int b = blockIdx.x;
    y[255 - (b * 64 + t)] = x[b * 64 + t];
    __threadfence();
    __syncthreads();
    if (t == 0) last = atomicAdd(&c[b / 2], 1u) == 1;
    __syncthreads();
    if (last || b == 0) {
        if (t == 0) s[(b + 1) / 2] = (float)b;
    }
}

// tv: unknown race
// A volatile read right after a relaxed atomic acquires nothing.
__global__ void k(const float* x, float* y, volatile float* s, unsigned int* c)
{
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    s[i] = x[i];  // <- race
    __threadfence();
    __syncthreads();
    if (t == 0) {
        if (atomicAdd(c, 1u) == 3) {
            for (int j = 0; j < 256; j++) y[j] = s[255 - j];  // <- race
        }
    }
}

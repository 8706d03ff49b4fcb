// tv: unknown determinism
// The last block starts from what it has in registers: which sum that is, hardware decides.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    const float own = x[blockIdx.x];
    if (t != 0) return;
    s[blockIdx.x] = own;
    __threadfence();
    last = atomicAdd(c, 1u) == 3;
    if (!last) return;
    __threadfence();
    float sum = own; // <- determinism
    for (int b = 0; b < 4; ++b) {
        if (b != blockIdx.x) sum += s[b]; // <- determinism
    }
    y[0] = sum; // <- determinism
}

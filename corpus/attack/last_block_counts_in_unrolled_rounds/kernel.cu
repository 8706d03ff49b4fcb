// tv: unknown TV0531
// The loop is unrolled, and its two counters stand side by side then.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    s[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    bool last = false;
    for (int i = 1; i < 3; i *= 2) last = atomicAdd(&c[i], 1u) == 3;
    if (!last) return;
    __threadfence();
    float sum = 0.f;
    for (int b = 0; b < 4; ++b) sum += s[b];
    y[0] = sum;
}

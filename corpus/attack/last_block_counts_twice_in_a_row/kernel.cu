// tv: unknown TV0531
// Two counters side by side: each is spoken of by itself, and the buffer of the one is touched by the other.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    s[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    bool first = atomicAdd(&c[0], 1u) == 3;
    bool last = atomicAdd(&c[1], 1u) == 3;
    if (!last || !first) return;
    __threadfence();
    float sum = 0.f;
    for (int b = 0; b < 4; ++b) sum += s[b];
    y[0] = sum;
}

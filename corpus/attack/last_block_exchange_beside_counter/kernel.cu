// tv: unknown TV0531
// The exchange beside the counter leaves 7 in the buffer: a repeated launch does not find it as it was.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    s[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    unsigned v = atomicInc(&c[0], 3u);
    atomicExch(&c[1], 7u);
    if (v != 3u) return;
    __threadfence();
    float sum = 0.f;
    for (int b = 0; b < 4; ++b) sum += s[b];
    y[0] = sum;
}

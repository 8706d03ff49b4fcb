// tv: unknown init
// The ticket is kept in the shared variable: that 0 was stored there before says nothing of it.
__global__ void k(const float* x, float* y, unsigned* count)
{
    int b = blockIdx.x;
    __shared__ int s[1];
    s[0] = 0;
    unsigned t = atomicAdd(count, 1u);
    s[0] = t;
    int q = s[0] + 1000;  // <- init
    y[b] = q > 1003 ? 3.0f : -x[b];
}

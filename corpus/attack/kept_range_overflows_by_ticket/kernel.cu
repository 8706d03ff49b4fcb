// tv: unknown init
// The sum may pass 2^31 - 1, whatever the 0 that was stored first lets think.
__global__ void k(const float* x, float* y, unsigned* count)
{
    int b = blockIdx.x;
    __shared__ int s[1];
    s[0] = 0;
    unsigned t = atomicAdd(count, 1u);
    s[0] = t;
    int q = s[0] + 2147483600;  // <- init
    y[b] = q == 5 ? 3.0f : -x[b];
}

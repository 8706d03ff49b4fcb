// tv: bad-input TV0212
// For 70000 blocks in y the launch fails; so many there are for few sizes only.
__global__ void k(const float* x, float* y, int n)
{
    if (blockIdx.y == 0) {
        for (int i = threadIdx.x; i < n; i += 32) {
            y[i] = x[i];
        }
    }
}

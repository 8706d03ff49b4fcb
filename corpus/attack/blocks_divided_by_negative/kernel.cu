// tv: refuted coverage
// ceil(n / 2) blocks, written as a division by a negative number, for n elements.
__global__ void k(const float* x, float* y, int n)
{
    const int i = blockIdx.x;
    if (i < n) {
        y[i] = -x[i];  // <- coverage
    }
}

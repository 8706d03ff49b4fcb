// tv: refuted coverage
// For the first thread `i - 1` is the largest unsigned number, and the loop does not begin.
__global__ void k(const float* x, float* y, unsigned int n)
{
    for (unsigned int i = threadIdx.x; i - 1u < n - 1u; i += 32) {
        y[i] = -x[i];  // <- coverage
    }
}

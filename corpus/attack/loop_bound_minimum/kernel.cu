// tv: refuted coverage
__global__ void k(const float* x, float* y, int n)
{
    for (int i = threadIdx.x; i < min(n, 64); i += 32) {
        y[i] = -x[i];  // <- coverage
    }
}

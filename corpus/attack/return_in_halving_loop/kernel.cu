// tv: refuted coverage
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    for (int s = 4; s > 0; s >>= 1) {
        if (t >= 4 * s) {
            return;
        }
    }
    y[t] = -x[t];  // <- coverage
}

// tv: refuted coverage
// Where the condition fails, nothing is written.
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.x;
    if (x[i] > 0.0f) y[i] = x[i];  // <- coverage
}

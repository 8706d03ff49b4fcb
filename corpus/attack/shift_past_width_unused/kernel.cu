// tv: refuted range
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int bit = 1 << (t + 8); // <- range
    y[t] = -x[t];
}

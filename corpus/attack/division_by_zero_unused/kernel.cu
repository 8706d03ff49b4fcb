// tv: refuted range
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int share = 64 / t; // <- range
    y[t] = -x[t];
}

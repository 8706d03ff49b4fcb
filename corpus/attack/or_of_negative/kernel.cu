// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = (t | -8) < 0 ? x[t] : -x[t]; // <- equal
}

// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int i = t - 5;
    y[t] = i < 32u ? -x[t] : x[t]; // <- equal
}

// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
#if -7 / 2 == -4
    y[t] = -x[t];
#else
    y[t] = x[t]; // <- equal
#endif
}

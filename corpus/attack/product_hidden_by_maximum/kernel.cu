// tv: unknown equal
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    const float p = a[t] * b[t];
    y[t] = fmaxf(p, p) + c[t];
}

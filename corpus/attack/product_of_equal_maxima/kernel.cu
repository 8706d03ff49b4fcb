// tv: unknown equal
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = fmaxf(a[t] * b[t], b[t] * a[t]) + c[t];
}

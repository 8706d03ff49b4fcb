// tv: unknown equal
__global__ void k(const float* a, const float* b, const float* c, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = -((a[t] + b[t]) + c[t]);
    z[t] = fabsf(a[t] + (b[t] + c[t]));
}

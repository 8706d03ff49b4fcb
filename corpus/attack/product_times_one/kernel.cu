// tv: unknown equal
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    y[t] = (a[t] * b[t]) * 1.0f + 3.0f;
}

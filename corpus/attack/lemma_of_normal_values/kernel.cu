// tv: unknown equal
// The product may be contracted; a half of a subnormal number is not exact.
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    y[t] = b[t] - a[t] * -0.5f;
}

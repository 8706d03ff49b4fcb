// tv: unknown equal
// Which NaN a sum is, is not specified.
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    const unsigned u = __float_as_uint(a[t] + b[t]) & 0x7fffffffu;
    y[t] = u == 0x7f812345u ? 0.0f : __uint_as_float(u);
}

// tv: unknown equal
// The graph shows the bits of a NaN that its root makes, which are open; every device makes this one.
__global__ void k(const float* x, int* y)
{
    const int t = threadIdx.x;
    const float v = sqrtf(x[t]);
    y[t] = v != v ? 0x7fffffff : __float_as_int(v); // <- equal
}

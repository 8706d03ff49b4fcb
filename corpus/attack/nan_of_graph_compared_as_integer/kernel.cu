// tv: unknown equal
// Whether the bits of the graph's NaN are below 0 is open.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = sqrtf(x[t]);
    y[t] = v == v && __float_as_int(v) < 0 ? 1.0f : 2.0f; // <- equal
}

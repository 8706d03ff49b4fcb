// tv: unknown equal
// Where the bits of x are those of 1 it is no factor, and the product a * b is fused, which the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, const float* x, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = ((const unsigned*)x)[t];
    y[t] = m == 0x3f800000u ? (a[t] * b[t]) * __uint_as_float(m) + c[t] : 0.0f; // <- equal
}

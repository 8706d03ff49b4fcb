// tv: refuted equal
// The wrong one of two numbers for every sum that is not zero.
__global__ void k(const float* x, const float* z, float* y)
{
    const int t = threadIdx.x;
    const float s = fmaf(x[t * 2 + 1], z[1], x[t * 2] * z[0]);
    y[t] = __float_as_int(s) < 0 ? 2.0f : 1.0f; // <- equal
}

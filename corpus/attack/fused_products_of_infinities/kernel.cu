// tv: unknown equal
// Right: each product is contracted into the sum that it feeds. Beside products that are not exact an infinite one is as exact
// as infinities are.
__global__ void twice(const float* x, const float* g, float* y)
{
    const int i = threadIdx.x;
    const float t = fmaf(x[i], g[i], x[i]);
    y[i] = fmaf(t, g[i], t); // <- equal
}

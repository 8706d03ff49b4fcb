// tv: unknown equal
// Right: one of two uses of a product is contracted. Its factors are sums, whose bits are not certain; nor is the exact product
// the rounded one because all that it may be is rounded to one value. The condition always holds, and is not affine.
__global__ void residue(const float* b, const float* c, const float* d, float* y)
{
    const int i = threadIdx.x;
    const float s = c[i] + d[i], t = b[i] * b[i] - c[i];
    const float p = s * t;
    if (((i * i + i) & 1) == 0)
        y[i] = fmaf(-s, t, p);
    else
        y[i] = 0.0f; // <- equal
}

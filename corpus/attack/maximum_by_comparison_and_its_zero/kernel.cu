// tv: unknown equal
// Of +0 and -0 the comparison keeps the first, and x - m shows which: -0 - +0 is -0, -0 - -0 is +0.
__global__ void k(const float* x, float* y)
{
    const int row = threadIdx.x;
    const float* xr = x + row * 8;
    float m = -INFINITY;
    for (int c = 0; c < 8; ++c) {
        m = m < xr[c] ? xr[c] : m;  // <- equal
    }
    for (int c = 0; c < 8; ++c) {
        y[row * 8 + c] = xr[c] - m;  // <- equal
    }
}

// tv: unknown equal
// Where the first element is NaN, nothing compares greater, and every difference is NaN.
__global__ void k(const float* x, float* y)
{
    const int row = threadIdx.x;
    const float* xr = x + row * 8;
    float m = xr[0];
    for (int c = 1; c < 8; ++c) {
        m = m < xr[c] ? xr[c] : m;  // <- equal
    }
    for (int c = 0; c < 8; ++c) {
        y[row * 8 + c] = expf(xr[c] - m);  // <- equal
    }
}

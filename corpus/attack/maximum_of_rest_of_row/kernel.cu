// tv: refuted equal
// The maximum leaves the first element out.
__global__ void k(const float* x, float* y)
{
    const int row = threadIdx.x;
    const float* xr = x + row * 8;
    float m = xr[1];
    for (int c = 2; c < 8; ++c) {
        m = fmaxf(m, xr[c]);  // <- equal
    }
    for (int c = 0; c < 8; ++c) {
        y[row * 8 + c] = xr[c] - m;  // <- equal
    }
}

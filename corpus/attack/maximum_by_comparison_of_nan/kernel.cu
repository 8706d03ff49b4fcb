// tv: unknown equal
// A NaN compares with nothing, so the comparison this way round takes it, and loses what came before.
__global__ void k(const float* x, float* y)
{
    const int row = threadIdx.x;
    const float* xr = x + row * 8;
    float m = -INFINITY;
    for (int c = 0; c < 8; ++c) {
        m = xr[c] < m ? m : xr[c];  // <- equal
    }
    for (int c = 0; c < 8; ++c) {
        y[row * 8 + c] = expf(xr[c] - m);  // <- equal
    }
}

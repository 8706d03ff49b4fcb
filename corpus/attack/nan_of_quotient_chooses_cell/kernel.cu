// tv: unknown TV0545
// Only a NaN with a sign would choose the cell that nothing was written to.
__global__ void k(const float* x, const float* z, float* y)
{
    const int t = threadIdx.x;
    float cells[2];
    cells[0] = fabsf(x[t]) / fabsf(z[t]);
    y[t] = cells[__float_as_uint(cells[0]) >> 31];
}

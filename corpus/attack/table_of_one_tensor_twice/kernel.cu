// tv: proved bitwise
__global__ void k(const float* const* ws, float* y)
{
    const int t = threadIdx.x;
    y[t] = ws[0][t] + ws[1][t];
}

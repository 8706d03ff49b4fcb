// tv: refuted bounds
__global__ void k(const float* const* ws, const int* which, float* y)
{
    const int t = threadIdx.x;
    y[t] = ws[which[0] + 1][t];  // <- bounds
}

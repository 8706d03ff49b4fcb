// tv: refuted bounds
__global__ void k(const float* const* ws, float* y)
{
    const int t = threadIdx.x;
    const float* w = *(ws + 1);
    const float* const* back = ws + 1;
    y[t] = w[t] + back[-2][128 + t];  // <- bounds
}

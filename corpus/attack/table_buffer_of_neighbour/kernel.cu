// tv: refuted bounds
__global__ void k(const float* const* ws, float* y)
{
    const int t = threadIdx.x;
    const float* first = ws[0];
    y[t] = first[t] + first[64 + t];  // <- bounds
}

// tv: refuted bounds
__global__ void k(const float* const* ws, float* const* results)
{
    const int t = threadIdx.x;
    for (int i = 0; i < 2; ++i)
        results[i][t] = -ws[i][t];  // <- bounds
}

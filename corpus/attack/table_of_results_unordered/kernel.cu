// tv: refuted race
__global__ void k(const float* a, float* const* results)
{
    const int t = threadIdx.x;
    results[0][t] = -a[t];                             // <- race
    results[1][63 - t] = fabsf(results[0][63 - t]);  // <- race
}

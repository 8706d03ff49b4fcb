// tv: unknown equal
// m - m + 1 is 1 to a compiler, which then fuses the product a * b that the graph rounds.
__global__ void k(const unsigned* n, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = n[t];
    y[t] = (a[t] * b[t]) * (float)(m - m + 1) + c[t]; // <- equal
}

// tv: unknown equal
// An integer is 0 where its float is; then m + 1 is no factor, and the product a * b is fused, which the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, const unsigned* n, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = n[t];
    y[t] = (float)m == 0.0f ? (a[t] * b[t]) * (float)(m + 1u) + c[t] : 0.0f; // <- equal
}

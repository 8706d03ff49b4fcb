// tv: unknown equal
// In the round i = 2 the factor m * i - (m + m) + 1 is 1, and the product a * b is fused, which the graph rounds.
__global__ void k(const unsigned* n, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    for (unsigned i = 0; i < 3; ++i) {
        const unsigned m = n[t];
        y[i * 32 + t] = (a[t] * b[t]) * (float)(m * i - (m + m) + 1u) + c[t]; // <- equal
    }
}

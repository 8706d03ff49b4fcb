// tv: unknown equal
// m cancels, and the round is 1 once: a compiler then fuses the product a * b that the graph rounds.
__global__ void k(const unsigned* n, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    for (int i = 0; i < 3; ++i) {
        const unsigned m = n[t];
        y[i * 32 + t] = (a[t] * b[t]) * (float)((m + (unsigned)i) - m) + c[t]; // <- equal
    }
}

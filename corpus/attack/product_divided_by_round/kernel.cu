// tv: unknown equal
// Unrolled, the first round divides by one, and adds the product unrounded.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    for (int i = 0; i < 2; ++i) {
        const int e = i * 32 + t;
        y[e] = (a[e] * b[e]) / (float)(i + 1) + c[e];
    }
}

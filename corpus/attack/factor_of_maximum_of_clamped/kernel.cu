// tv: unknown equal
// The maximum of values clamped to 1 is 1: it is no factor, and the product a * b is fused, which the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, const float* x, float* y)
{
    const int t = threadIdx.x;
    float s = -INFINITY;
    for (int j = 0; j < 4; ++j) {
        s = fmaxf(s, fmaxf(fminf(x[j * 32 + t], 1.0f), 1.0f));
    }
    y[t] = (a[t] * b[t]) * s + c[t]; // <- equal
}

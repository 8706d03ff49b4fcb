// tv: unknown equal
// `fminf(fmaxf(c, 1), 1)` is 1 to a compiler, which then fuses the product a * b that the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = (a[t] * b[t]) * fminf(fmaxf(c[t], 1.0f), 1.0f) + c[t]; // <- equal
}

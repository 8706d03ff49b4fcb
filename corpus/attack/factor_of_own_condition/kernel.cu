// tv: unknown equal
// In the arm where v > 0 holds it is no factor, and the product a * b is fused, which the graph rounds.
__global__ void k(const float* v, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = v[t] > 0.0f ? (a[t] * b[t]) * (float)(v[t] > 0.0f) + c[t] : 0.0f; // <- equal
}

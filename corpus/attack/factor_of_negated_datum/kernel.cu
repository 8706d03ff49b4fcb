// tv: unknown equal
// Where -v is -2, v * 0.5 is no factor, and the product a * b is fused, which the graph rounds.
__global__ void k(const float* v, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = -v[t] == -2.0f ? (a[t] * b[t]) * (v[t] * 0.5f) + c[t] : 0.0f; // <- equal
}

// tv: unknown equal
// The addition takes in a * b unrounded; the graph's product is another one.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = (a[t] * b[t]) * 1.0f + c[t];
}

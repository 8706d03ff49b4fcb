// tv: unknown equal
// Where c is 2 a compiler multiplies by 0.5, and fuses that with the addition: a / c is rounded by the graph.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = c[t] == 2.0f ? a[t] / c[t] + b[t] : 0.0f; // <- equal
}

// tv: unknown equal
// A division by 2 is a multiplication by 0.5, which is fused: a / 2 is rounded by the graph, where it may be subnormal.
__global__ void k(const float* a, const float* c, const float* x, float* y, float* z)
{
    const int t = threadIdx.x;
    float s;
    if (t < 16) {
        s = a[t] / 2.0f + c[t]; // <- equal
        z[t] = -c[t];
    } else {
        s = a[t] / x[t - 16] + c[t]; // <- equal
    }
    y[t] = s;
}

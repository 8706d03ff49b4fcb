// tv: unknown equal
// A division by 1 is dropped, and the product a * b fused, which the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, const float* d, const float* x, float* y, float* z)
{
    const int t = threadIdx.x;
    float s;
    if (t < 16) {
        s = (a[t] * b[t]) / 1.0f + c[t]; // <- equal
        z[t] = -c[t];
    } else {
        s = d[t - 16] / x[t - 16] + c[t]; // <- equal
    }
    y[t] = s;
}

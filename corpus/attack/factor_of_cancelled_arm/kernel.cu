// tv: unknown equal
// In one of six branches the factor is 1 to a compiler, which fuses the product there.
__global__ void k(const float* a, const float* g, const float* b, const float* c, const unsigned* x0, const unsigned* x1, const unsigned* x2,
                  const unsigned* x3, const unsigned* x4, const unsigned* u, float* y, float* z)
{
    const int t = threadIdx.x;
    float s;
    if (t < 4) {
        s = (a[t] * b[t]) * (float)(x0[t] - u[t] + 1u) + c[t]; // <- equal
    } else if (t < 8) {
        s = (a[t] * b[t]) * (float)(x1[t - 4] - u[t] + 1u) + c[t];
    } else if (t < 12) {
        s = (a[t] * b[t]) * (float)(x2[t - 8] - u[t] + 1u) + c[t];
    } else if (t < 16) {
        s = (a[t] * b[t]) * (float)(x3[t - 12] - u[t] + 1u) + c[t];
    } else if (t < 20) {
        s = (a[t] * b[t]) * (float)(x4[t - 16] - u[t] + 1u) + c[t];
    } else {
        s = (g[t - 20] * b[t]) * (float)(u[t] - u[t] + 1u) + c[t];
        z[t - 20] = -c[t];
    }
    y[t] = s;
}

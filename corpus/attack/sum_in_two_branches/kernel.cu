// tv: unknown equal
// One sum is computed in two branches: a compiler fuses one of its products in the first, where the other has another use,
// and the other one in the second; the graph's S has one value.
__global__ void k(const float* a, const float* b, const float* c, const float* d, float* y, float* z)
{
    const int t = threadIdx.x;
    float s;
    if (t < 16) {
        const float p = a[t] * b[t];
        s = p + c[t] * d[t];
        z[t] = p;
    } else {
        const int e = t - 16;
        s = a[e] * b[e] + c[e] * d[e];
    }
    y[t] = s; // <- equal
}

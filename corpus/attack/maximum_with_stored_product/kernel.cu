// tv: unknown equal
// A thread reads back its own product: the maximum of the two is the product, which is fused.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    __shared__ float s[32];
    s[t] = a[t] * b[t];
    const float m = fmaxf(a[t] * b[t], s[t]) + c[t]; // <- equal
    s[t] = 0.0f;
    y[t] = m;
}

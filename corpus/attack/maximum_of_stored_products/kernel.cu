// tv: unknown equal
// Both products are read back by the thread that stored them: their maximum is one product, which is fused.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    __shared__ float s[32];
    s[t] = a[t] * b[t];
    const float q = s[t];
    s[t] = b[t] * a[t];
    const float m = fmaxf(q, s[t]) + c[t]; // <- equal
    s[t] = 0.0f;
    y[t] = m;
}

// tv: bad-input TV0243
// Both parameters are bound to one scratch memory.
__global__ void k(const float* x, float* a, float* b, float* y)
{
    const int t = threadIdx.x;
    a[t] = x[t];
    b[t] = 0.0f;
    y[t] = a[t];
}

// tv: proved reassoc
// nvcc makes this one fma: equal up to contraction, not bit for bit.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = a[t] * b[t];
    y[t] = s[t] + c[t];
}

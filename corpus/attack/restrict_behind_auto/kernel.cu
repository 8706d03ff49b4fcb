// tv: unknown race
// The promise stands behind `auto` and `decltype`; it is made all the same.
__device__ void exchange(float* a, float* b)
{
    auto __restrict__ p = a;
    decltype(b) __restrict__ q = b;
    const float v = q[0];  // <- race
    p[0] = -v;
    q[1] = q[0];
}

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float b[2];
    b[0] = x[t];
    exchange(b, b);
    y[t] = b[1];
}

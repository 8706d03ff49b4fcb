// tv: unknown race
// Both parameters are promised to be the only way to their memory, and are the same cell: the second load is not repeated.
__device__ void exchange(float* __restrict__ p, const float* __restrict__ q, float* y)
{
    const float a = *q;  // <- race
    *p = -a;
    *y = *q;
}

__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t];
    exchange(&s[t], &s[t], &y[t]);
}

// tv: unknown race
// The promise stands behind names of pointers; it is made all the same.
typedef float* Out;
using In = const float*;

__device__ void exchange(Out __restrict__ p, In __restrict__ q, float* y)
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

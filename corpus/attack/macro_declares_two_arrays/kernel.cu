// tv: refuted equal
#define TWO float *p, *q; { __shared__ float s[32]; p = s; } { __shared__ float s[32]; q = s; }
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    TWO
    p[t] = x[t]; // <- equal
    q[t] = -x[t];
    y[t] = p[t];
}

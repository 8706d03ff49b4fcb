// tv: unknown race
// Two ways to one local array, both stored through, each promised to be the only one.
__device__ void exchange(float* __restrict__ p, float* __restrict__ q)
{
    const float a = q[0];  // <- race
    p[0] = -a;
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

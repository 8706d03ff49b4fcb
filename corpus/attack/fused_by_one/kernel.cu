// tv: proved reassoc
// fmaf(1, c, p) is c + p to a compiler, and p = a * b may be taken in unrounded: so it may in the graph, whose product it is.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = fmaf(1.0f, c[t], a[t] * b[t]);
}

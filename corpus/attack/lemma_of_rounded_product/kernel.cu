// tv: proved bitwise
// As the graph: the half is rounded, whatever the compiler does.
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    y[t] = __fadd_rn(a[t] * 0.5f, b[t]);
}

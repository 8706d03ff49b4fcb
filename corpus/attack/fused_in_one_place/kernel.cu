// tv: unknown equal
__global__ void k(const float* a, const float* b, const float* c, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = -fmaf(a[t], b[t], c[t]);
    z[t] = fabsf(__fadd_rn(__fmul_rn(a[t], b[t]), c[t]));
}

// tv: unknown equal
// The sum is NaN whatever is added: ptxas makes the maximum 1, the product that of a and b, and of that and c one FFMA.
__global__ void k(const float* a, const float* b, const float* c, const float* x, float* y)
{
    const int t = threadIdx.x;
    float s = c[t] - __int_as_float(0xffffffff);
    for (int i = 0; i < 4; i++) s += x[4 * t + i];
    const float m = __fmul_rn(a[t] * b[t], fmaxf(s, 1.f));
    y[t] = m + c[t];
}

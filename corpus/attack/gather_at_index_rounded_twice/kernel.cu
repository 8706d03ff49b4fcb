// tv: unknown equal
// One index of the graph: for y it is rounded twice, for z a compiler may fuse the product with the sum.
__global__ void k(const float* x, const float* w, const float* a, const float* b, const float* c, float* y, float* z)
{
    const int t = threadIdx.x;
    const int i = (int)fminf(fmaxf(__fadd_rn(__fmul_rn(a[t], b[t]), c[t]), 0.0f), 15.0f);
    y[t] = x[i];  // <- equal
    const int j = (int)fminf(fmaxf(a[t] * b[t] + c[t], 0.0f), 15.0f);
    z[t] = w[j];  // <- equal
}

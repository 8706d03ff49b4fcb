// tv: unknown equal
// One tensor of the graph: fused in one output, rounded twice in the other.
__global__ void k(const float* a, const float* b, const float* c, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = -fmaf(a[t], b[t], c[t]);
    z[t] = __uint_as_float(__float_as_uint(__fsub_rn(c[t], -__fmul_rn(a[t], b[t]))) & 0x7fffffffu);
}

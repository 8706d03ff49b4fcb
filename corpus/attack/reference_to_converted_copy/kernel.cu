// tv: unsupported TV0113
// A reference to double is bound to a copy of the float, which does not change with it.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    const double& r = v;
    v = -v;
    y[t] = r;
}

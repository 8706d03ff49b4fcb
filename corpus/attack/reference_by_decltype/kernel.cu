// tv: unsupported TV0111
// `decltype` of a name in parentheses is a reference: the variable itself is negated.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    decltype((v)) r = v;
    r = -r;
    y[t] = v;
}

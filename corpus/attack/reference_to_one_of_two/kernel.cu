// tv: unsupported TV0111
// The reference is to whichever variable the condition chooses, and sees it change.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t], w = v;
    const float& r = t < 40 ? v : w;
    v = -v;
    w = v;
    y[t] = r;
}

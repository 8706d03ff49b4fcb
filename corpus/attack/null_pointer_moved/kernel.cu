// tv: unsupported TV0111
// A null pointer that was moved is not null to nvcc.
__global__ void k(const float* x, float* y, const float* p)
{
    const int t = threadIdx.x;
    const float* q = p + t;
    if (q)  // tv: here
        y[t] = -x[t];
    else
        y[t] = x[t];
}

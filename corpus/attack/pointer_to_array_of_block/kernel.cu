// tv: unsupported TV0126
// The block in which the array lives has ended when its address is used.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float* p;
    {
        float b[2];
        b[t & 1] = x[t];
        p = b;
    }
    {
        float c[2];
        c[t & 1] = 3.0f;
        y[t] = c[t & 1];
    }
    y[t] = -p[t & 1];
}

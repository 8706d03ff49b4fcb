// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float m = __int_as_float(0xff800000);
    for (int i = 0; i < 8; ++i) {
        m = x[t * 8 + i] > m ? x[t * 8 + i] : m;
    }
    y[t] = m;
}

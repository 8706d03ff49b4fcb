// tv: unknown equal
// A row of NaN gives NaN here and -inf in the graph, whose maximum starts there.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float m = x[t * 8];
    for (int i = 1; i < 8; ++i) {
        m = fmaxf(m, x[t * 8 + i]);
    }
    y[t] = m;
}

// tv: unknown equal
// Of -0 the graph's Clip is +0.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    y[t] = v >= 0.0f ? (v < 6.0f ? v : 6.0f) : 0.0f;
}

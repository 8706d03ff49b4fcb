// tv: unknown equal
// The first output is one product, which may be -0; the graph adds the padding's +0 to it.
__global__ void conv(const float* x, const float* w, float* y)
{
    const int t = threadIdx.x;
    y[t] = t > 0 ? x[t - 1] * w[0] + x[t] * w[1] : x[t] * w[1];
}

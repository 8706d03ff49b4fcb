// tv: unknown equal
// One tensor of the graph, two orders of its sum.
__global__ void k(const float* x, const float* r, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = -((x[2 * t] + x[2 * t + 1]) + r[t]);
    z[t] = fabsf((r[t] + x[2 * t]) + x[2 * t + 1]);
}

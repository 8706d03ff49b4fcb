// tv: unknown equal
// One tensor of the graph, a scalar sum, would have two values.
__global__ void k(const float* x, const float* r, float* y)
{
    const int t = threadIdx.x;
    if (t < 16) {
        y[t] = ((x[0] + x[1]) + (x[2] + x[3])) + r[t];
    } else {
        y[t] = x[0] + (x[1] + (x[2] + (x[3] + r[t])));
    }
}

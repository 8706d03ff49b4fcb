// tv: unknown equal
// Both are running sums of x, and what is scaled has been added in another order than what is stored.
__global__ void k(const float* x, float* y, float* z)
{
    const int t = threadIdx.x;
    float v = x[t];
    for (int d = 1; d < 32; d *= 2) {
        const float u = __shfl_up_sync(0xffffffffu, v, d);
        if (t >= d) v += u;
    }
    y[t] = v;
    float w = 0.0f;
    for (int i = 0; i <= t; ++i) w += x[i];
    z[t] = -w;
}

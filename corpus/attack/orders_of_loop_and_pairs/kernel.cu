// tv: unknown equal
__global__ void k(const float* x, float* y, float* z)
{
    const int t = threadIdx.x;
    float s = 0.0f;
    for (int i = 0; i < 4; ++i) {
        s += x[4 * t + i];
    }
    y[t] = -s;
    z[t] = fabsf((x[4 * t] + x[4 * t + 1]) + (x[4 * t + 2] + x[4 * t + 3]));
}

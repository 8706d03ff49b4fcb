// tv: unknown equal
// Where the graph adds two values and no more, a zero beside them turns -0 into +0.
__global__ void k(const float* x, const float* u, const float* c, float* y)
{
    const int t = threadIdx.x;
    float acc = 0.0f;
    for (int i = 0; i < 4; ++i) {
        acc += t < 16 ? x[4 * t + i] : i == 0 ? u[t - 16] : 0.0f;
    }
    y[t] = acc + c[t];
}

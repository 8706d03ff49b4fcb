// tv: proved bitwise
// Four layers that multiply by constants of the model, each by others; no buffer holds them.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float h = x[t];
    h = fmaxf(__fmul_rn(h, t == 0 ? 2.0f : 3.0f), 0.0f);
    h = fmaxf(__fmul_rn(h, t == 0 ? 0.5f : 7.0f), 0.0f);
    h = fmaxf(__fmul_rn(h, t == 0 ? 1.5f : -1.0f), 0.0f);
    h = fmaxf(__fmul_rn(h, t == 0 ? 4.0f : 0.25f), 0.0f);
    y[t] = h;
}

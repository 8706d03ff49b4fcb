// tv: refuted init
// Both arms store the same, but which of them is taken rests on a variable without a value.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    int u;
    float r;
    if (u > 3)  // <- init
        r = -v;
    else
        r = -v;
    y[t] = r;
}

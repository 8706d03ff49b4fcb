// tv: refuted init
// A variable without a value need not even be equal to itself.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    int u;
    int w = u;  // <- init
    y[t] = w != u ? v : -v;
}

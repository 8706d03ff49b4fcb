// tv: refuted init
// The lanes that are left do the work of those that returned, whose values they ask them for.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t >= 20) return;
    const float other = __shfl_down_sync(0xffffffffu, x[t], 20); // <- init
    y[t] = -x[t];
    if (t < 12) y[t + 20] = -other; // <- init
}

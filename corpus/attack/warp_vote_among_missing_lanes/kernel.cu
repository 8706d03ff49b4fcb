// tv: refuted equal
// Lanes that the block does not have take no part: they vote neither yes nor no.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const bool all = __all_sync(0xffffffffu, t < 16);
    y[t] = all ? x[t] : -x[t]; // <- equal
}

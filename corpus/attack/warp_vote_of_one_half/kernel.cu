// tv: refuted equal
// The vote is the half's own: the upper half is all inside, the lower one is not.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const bool all = __all_sync(t < 16 ? 0xffffu : 0xffff0000u, t > 3);
    y[t] = all ? -x[t] : x[t]; // <- equal
}

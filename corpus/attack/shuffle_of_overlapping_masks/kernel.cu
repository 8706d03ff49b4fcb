// tv: refuted barrier
// Lane 16 is named by both masks.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const unsigned mask = t < 16 ? 0x1ffffu : 0xffff0000u;
    const float v = __shfl_sync(mask, x[t], t); // <- barrier
    y[t] = -v;
}

// tv: refuted barrier
// Lanes 16 to 19 have not returned, and do not take part.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = -x[t];
    if (t >= 20) return;
    float v = x[t];
    if (t < 16) {
        v = __shfl_xor_sync(0xffffffffu, v, 1); // <- barrier
        v = __shfl_xor_sync(0x0000ffffu, v, 1);
    }
    y[t] = -v;
}

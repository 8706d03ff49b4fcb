// tv: refuted barrier
// Both halves exchange, but not in one place.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    if (t < 16) {
        v = __shfl_xor_sync(0xffffffffu, v, 0); // <- barrier
    } else {
        v = __shfl_xor_sync(0xffffffffu, v, 0); // <- barrier
    }
    y[t] = -v;
}

// tv: refuted barrier
// The lanes that the mask names return later, where they are not waited for any more.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    if (t < 16) v = __shfl_xor_sync(0xffffffffu, v, 0); // <- barrier
    y[t] = -v;
    if (t >= 16) return;
    y[t] = -v;
}

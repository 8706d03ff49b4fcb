// tv: refuted barrier
// Who returned from the first launch is there again in the second.
__global__ void first(const float* x, float* s)
{
    const int t = threadIdx.x;
    s[t] = x[t];
    if (t >= 16) return;
    s[t] = __shfl_xor_sync(0xffffffffu, x[t], 0);
}

__global__ void second(const float* s, float* y)
{
    const int t = threadIdx.x;
    float v = s[t];
    if (t < 16) v = __shfl_xor_sync(0xffffffffu, v, 0); // <- barrier
    y[t] = -v;
}

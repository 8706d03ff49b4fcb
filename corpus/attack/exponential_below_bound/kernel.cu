// tv: unknown equal
// Below 1 lies only 0: a compiler evaluates expf(0 + 1) itself, with other bits than the device.
__global__ void k(const unsigned* n, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = n[t];
    y[t] = m < 1 ? expf((float)m + 1.0f) : 0.0f; // <- equal
}

// tv: unknown equal
// Between 0 and 2 lies only 1: a compiler evaluates expf(1) itself, with other bits than the device.
__global__ void k(const unsigned* n, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = n[t];
    y[t] = m > 0 ? (m < 2 ? expf((float)m) : 0.0f) : 0.0f; // <- equal
}

// tv: unknown equal
// An unsigned integer below 1 is 0: a compiler evaluates expf(0 + 1) itself, with other bits than the device.
__global__ void k(const unsigned* n, float* y)
{
    const int t = threadIdx.x;
    const unsigned m = n[t];
    y[t] = (float)m < 1.0f ? expf((float)(m + 1u)) : 0.0f; // <- equal
}

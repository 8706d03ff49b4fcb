// tv: unknown equal
// m * 0 + 1 is 1 to a compiler, which evaluates expf(1) itself, with other bits than the device.
__global__ void k(const int* n, float* y)
{
    const int t = threadIdx.x;
    const int m = n[t];
    y[t] = expf((float)(m * 0 + 1)); // <- equal
}

// tv: unknown equal
// The local array holds m + t, which cancels: a compiler evaluates expf(1) itself, with other bits than the device.
__global__ void k(const unsigned* n, float* y)
{
    const unsigned t = threadIdx.x;
    unsigned u[1];
    u[0] = n[t] + t;
    y[t] = expf((float)(n[t] + t - u[0] + 1u)); // <- equal
}

// tv: unknown equal
// In the arm where v > 0 holds its value is 1: a compiler evaluates expf(1) itself, with other bits than the device.
__global__ void k(const float* v, float* y)
{
    const int t = threadIdx.x;
    y[t] = v[t] > 0.0f ? expf((float)(v[t] > 0.0f)) : 0.0f; // <- equal
}

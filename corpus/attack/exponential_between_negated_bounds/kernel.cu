// tv: unknown equal
// v <= 2 and -v <= -2 is v == 2 to a compiler, which evaluates expf(2) itself, with other bits than the device.
__global__ void k(const float* v, float* y)
{
    const int t = threadIdx.x;
    y[t] = v[t] <= 2.0f && -v[t] <= -2.0f ? expf(v[t]) : 0.0f; // <- equal
}

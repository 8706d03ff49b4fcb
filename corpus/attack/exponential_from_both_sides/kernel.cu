// tv: unknown equal
// What is at most 2 and at least 2 is 2: a compiler evaluates expf(2) itself, with other bits than the device.
__global__ void k(const float* v, float* y)
{
    const int t = threadIdx.x;
    y[t] = v[t] <= 2.0f && v[t] >= 2.0f ? expf(v[t]) : 0.0f; // <- equal
}

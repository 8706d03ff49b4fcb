// tv: unknown equal
// Where f is below 3.5, x is 2: nvcc computes that exponential itself, with another last bit.
__global__ void k(const float* x, const float* a, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    const float f = v == 2.0f ? 3.0f : 4.0f;
    y[t] = f < 3.5f ? a[t] * expf(v) : 0.0f;  // <- equal
}

// tv: unknown equal
// The truth is chosen by the thread; where it holds, x is 2, and nvcc computes that exponential itself.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    const bool p = t < 16 ? v == 2.0f : false;
    y[t] = p ? expf(v) : 0.0f;  // <- equal
}

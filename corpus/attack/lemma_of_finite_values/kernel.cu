// tv: refuted equal
// The same but where doubling overflows.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * 2.0f * 0.5f;  // <- equal
}

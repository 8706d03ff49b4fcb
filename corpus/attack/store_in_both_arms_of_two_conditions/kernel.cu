// tv: unknown equal
// The second condition is not the first one's contrary: x = 1 fulfils neither.
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.x;
    if (x[i] > 1.0f) y[i] = x[i];  // <- equal
    if (x[i] < 1.0f) y[i] = x[i] > 0.0f ? x[i] : 0.0f;  // <- equal
}

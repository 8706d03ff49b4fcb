// tv: refuted race
// Some threads also write what belongs to the next one.
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.x;
    const float v = x[i] > 0.0f ? x[i] : 0.0f;
    y[i] = v;  // <- race
    if (x[i] > 1.0f && i < 63) y[i + 1] = 0.0f;  // <- race
}

// tv: refuted equal
// The half is not rounded before it is added.
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    y[t] = fmaf(a[t], 0.5f, b[t]);  // <- equal
}

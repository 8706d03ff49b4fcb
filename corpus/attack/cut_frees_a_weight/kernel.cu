// tv: refuted equal
// The specification cuts the model at w, so that its stored value counts for nothing.
__global__ void k(const float* a, float* y)
{
    const int t = threadIdx.x;
    y[t] = a[t] * 2.0f;  // <- equal
}

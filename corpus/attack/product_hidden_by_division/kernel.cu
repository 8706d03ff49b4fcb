// tv: unknown equal
// A division by two is compiled as a product, which the addition takes in unrounded: a = c = 2^-149 gives 2^-148.
__global__ void k(const float* a, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = a[t] / 2.0f + c[t];
}

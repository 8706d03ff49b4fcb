// tv: refuted equal
// A number other than the graph's wherever no NaN is near.
__global__ void k(const float* x, const float* z, float* y)
{
    const int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = copysignf(2.0f, fabsf(x[i]) * fabsf(z[i])); // <- equal
}

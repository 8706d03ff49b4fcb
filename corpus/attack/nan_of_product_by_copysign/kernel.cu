// tv: unknown equal
// An operation on floats that shows the sign of a NaN: of infinity times zero, either.
__global__ void k(const float* x, const float* z, float* y)
{
    const int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = copysignf(1.0f, fabsf(x[i]) * fabsf(z[i])); // <- equal
}

// tv: refuted bounds
// The bit below the sign is set in every NaN, in infinities and in numbers from 2 on.
__global__ void k(const float* x, const float* z, float* y)
{
    const int t = threadIdx.x;
    const float v = fabsf(x[t]) / fabsf(z[t]);
    const unsigned large = __float_as_uint(v) >> 30;
    y[t + 32 * large] = v; // <- bounds
}

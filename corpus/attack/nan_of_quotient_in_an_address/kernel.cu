// tv: unknown bounds
// Zero by zero: with the sign that a device gives this NaN, every store lies in its array.
__global__ void k(const float* x, const float* z, float* y)
{
    const int t = threadIdx.x;
    const float v = fabsf(x[t]) / fabsf(z[t]);
    const unsigned sign = __float_as_uint(v) >> 31;
    y[t + 32 * sign] = v; // <- bounds
}

// tv: proved bitwise
// A sign of its own for every x, a NaN too, set by its bit.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = __int_as_float((__float_as_int(x[t]) & 0x80000000) | 0x3f800000);
}

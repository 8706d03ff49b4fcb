// tv: refuted equal
// The sign bit cleared, of the element at the other end.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = __uint_as_float(__float_as_uint(x[t]) & 0x7fffffffu); // <- equal
}

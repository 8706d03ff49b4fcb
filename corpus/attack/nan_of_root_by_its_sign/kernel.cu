// tv: unknown equal
// Which sign the NaN of a negative number has is not stated: a device gives one without, and the kernel the root then.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = sqrtf(x[t]);
    if (__float_as_int(v) < 0 && v != 0.0f) v = 0.0f;
    y[t] = v; // <- equal
}

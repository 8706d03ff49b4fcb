// tv: refuted equal
// Seven elements, one of them twice.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float s = 0.0f;
    for (int i = 0; i < 8; ++i) {
        s += __uint_as_float(__float_as_uint(x[t * 8 + i - (i == 7)]) & 0x7fffffffu); // <- equal
    }
    y[t] = s; // <- equal
}

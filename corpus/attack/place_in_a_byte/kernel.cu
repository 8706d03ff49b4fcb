// tv: refuted equal
// A place past 127 does not fit the byte that it is kept in.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = x[row * 200];
    signed char at = 0;
    for (int i = 1; i < 200; ++i) {
        const float v = x[row * 200 + i];
        if (v > best) {
            best = v;
            at = (signed char)i;
        }
    }
    y[row] = at;  // <- equal
}

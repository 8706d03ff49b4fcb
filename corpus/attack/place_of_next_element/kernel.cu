// tv: refuted equal
// The value is of one element, the place of the next.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = x[row * 8];
    int at = 0;
    for (int i = 1; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = v;
            at = (i + 1) % 8;
        }
    }
    y[row] = at;  // <- equal
}

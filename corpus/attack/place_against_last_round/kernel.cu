// tv: refuted equal
// Every element is compared with the one before it, and not with the greatest so far.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = x[row * 8];
    int at = 0;
    for (int i = 1; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            at = i;
        }
        best = v;
    }
    y[row] = at;  // <- equal
}

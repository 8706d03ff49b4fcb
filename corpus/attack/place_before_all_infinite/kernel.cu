// tv: refuted equal
// The search starts from a place before the row, and a row of nothing but -infinity keeps it.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = -INFINITY;
    int at = -1;
    for (int i = 0; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = v;
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

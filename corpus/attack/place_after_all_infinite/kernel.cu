// tv: refuted equal
// A row of nothing but -infinity keeps the place that the search starts from, which is none.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = -INFINITY;
    int at = 0x7fffffff;
    for (int i = 0; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = v;
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

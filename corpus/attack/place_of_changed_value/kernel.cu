// tv: refuted equal
// What is kept of the greatest element is half of it.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = x[row * 8];
    int at = 0;
    for (int i = 1; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = 0.5f * v;
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

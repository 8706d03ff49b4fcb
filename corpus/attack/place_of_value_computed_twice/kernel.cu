// tv: unknown equal
// The value kept is computed once more, and nvcc may fuse its product there and not in the comparison.
__global__ void k(const float* x, const float* w, const float* b, long long* y)
{
    const int row = threadIdx.x;
    float best = x[row * 8] * w[row * 8] + b[row * 8];
    int at = 0;
    for (int i = 1; i < 8; ++i) {
        const float v = x[row * 8 + i] * w[row * 8 + i] + b[row * 8 + i];
        if (v > best) {
            best = x[row * 8 + i] * w[row * 8 + i] + b[row * 8 + i];
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

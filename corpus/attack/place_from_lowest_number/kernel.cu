// tv: unknown equal
// -infinity before the lowest number is not told from it.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = -3.402823466e38f;
    int at = 0;
    for (int i = 0; i < 8; ++i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = v;
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

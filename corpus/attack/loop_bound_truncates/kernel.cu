// tv: refuted bounds
// C truncates: below eight elements the bound is 0, not -1.
__global__ void k(const float* x, float* y, int n)
{
    for (int i = 0; i <= (n - 8) / 8; ++i) {
        for (int j = 0; j < 8; ++j) {
            y[8 * i + j] = -x[8 * i + j]; // <- bounds
        }
    }
    for (int i = n / 8 * 8; i < n; ++i) {
        y[i] = -x[i];
    }
}

// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    for (int r = 0; r < 4; ++r) {
        float v = x[r];  // <- equal
        if (r < 2) {
            for (int j = 0; j < 1; ++j) {
                v = -v;
            }
        } else {
            for (int j = 0; j < 2; ++j) {
                v = v;
            }
        }
        y[r] = v; // <- equal
    }
}

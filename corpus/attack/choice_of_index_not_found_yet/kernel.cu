// tv: refuted bounds
// The table is read at what the round before has left, and the last round leaves what is no place.
__global__ void k(const float* x, const float* t, float* y)
{
    const int row = threadIdx.x;
    const float* r = x + row * 8;
    int at = 0;
    float found = 0.0f, best = -INFINITY;
    for (int pass = 0; pass < 2; ++pass) {
        found = t[at];  // <- bounds
        for (int i = 0; i < 8; ++i) {
            if (r[i] > best) {
                best = r[i];
                at = i + 1;
            }
        }
    }
    y[row] = found;
}

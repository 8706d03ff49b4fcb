// tv: refuted equal
// From the last element down a strict comparison keeps the last of equal ones.
__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = -INFINITY;
    int at = 7;
    for (int i = 7; i >= 0; --i) {
        const float v = x[row * 8 + i];
        if (v > best) {
            best = v;
            at = i;
        }
    }
    y[row] = at;  // <- equal
}

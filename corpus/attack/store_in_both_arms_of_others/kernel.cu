// tv: refuted coverage
// The two arms write different elements: whichever is not chosen is missing.
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.x;
    if (x[i / 2] > 0.0f) {
        if (i % 2 == 0) y[i / 2] = x[i / 2];  // <- coverage
    } else {
        if (i % 2 == 0) y[i / 2 + 32] = 0.0f;  // <- coverage
    }
}

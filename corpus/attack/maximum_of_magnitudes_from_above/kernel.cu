// tv: refuted equal
// A start above zero shows in rows of smaller numbers.
__global__ void k(const float* x, float* y)
{
    const float* row = x + threadIdx.x * 8;
    float m = 0.5f;  // <- equal
    for (int c = 0; c < 8; ++c) {
        m = fmaxf(m, fabsf(row[c]));  // <- equal
    }
    y[threadIdx.x] = m;  // <- equal
}

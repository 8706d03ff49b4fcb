// tv: unknown equal
// Where every element of a row is NaN, the maximum over nothing is minus infinity, and this is zero.
__global__ void k(const float* x, float* y)
{
    const float* row = x + threadIdx.x * 8;
    float m = 0.0f;
    for (int c = 0; c < 8; ++c) {
        m = fmaxf(m, fabsf(row[c]));  // <- equal
    }
    y[threadIdx.x] = m;  // <- equal
}

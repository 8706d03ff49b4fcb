// tv: unknown equal
// Finite numbers, so no NaN: but of two zeros the comparison keeps the one that it has, and fmaxf the one of sign +.
__global__ void k(const float* x, float* y)
{
    const float* row = x + threadIdx.x * 8;
    float m = row[0];
    for (int c = 1; c < 8; ++c) {
        m = m < row[c] ? row[c] : m;  // <- equal
    }
    y[threadIdx.x] = m;  // <- equal
}

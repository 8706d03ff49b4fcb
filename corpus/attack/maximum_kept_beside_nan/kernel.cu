// tv: unknown equal
// The arm that is taken where nothing compares is the new element, so a NaN is kept until the next one.
__global__ void k(const float* x, float* y)
{
    const float* row = x + threadIdx.x * 8;
    float m = -INFINITY;
    for (int c = 0; c < 8; ++c) {
        const float v = fabsf(row[c]);
        m = m > v ? m : v;  // <- equal
    }
    y[threadIdx.x] = m;  // <- equal
}

// tv: refuted equal
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int i = threadIdx.y, j = threadIdx.x;
    float s = 0.0f, r = 0.0f;
    for (int q = 0; q < 5; ++q) {
        s += a[i * 8 + q] * b[q * 8 + j];
    }
    for (int q = 4; q < 8; ++q) {
        r += a[i * 8 + q] * b[q * 8 + j]; // <- equal
    }
    y[i * 8 + j] = (s + r) + c[j]; // <- equal
}

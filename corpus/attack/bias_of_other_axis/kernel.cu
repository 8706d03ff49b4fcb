// tv: refuted equal
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int i = threadIdx.y, j = threadIdx.x;
    float s = c[i]; // <- equal
    for (int q = 0; q < 8; ++q) {
        s += a[i * 8 + q] * b[q * 8 + j]; // <- equal
    }
    y[i * 8 + j] = s;
}

// tv: refuted equal
__global__ void k(const float* const* ws, float* y)
{
    const int t = threadIdx.x;
    const float* w = ws[0];
    float s = 0.0f;
    for (int i = 0; i < 2; ++i) {
        w = ws[i];
        s = w[t];
    }
    y[t] = s + w[t];  // <- equal
}

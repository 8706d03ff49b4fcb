// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    for (int s = 16; s > 0; s >>= 1) {
        if (t < 5) {
            v = v + 1.0f;
            break;
        }
        v = -v;
        break;
    }
    y[t] = v;  // <- equal
}

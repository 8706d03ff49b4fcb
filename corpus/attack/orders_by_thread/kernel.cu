// tv: unknown equal
__global__ void k(const float* x, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    float s;
    if (t < 16) {
        s = b[0] + (a[0] + c[0]);
    } else {
        s = a[0] + (b[0] + c[0]);
    }
    y[t] = x[t] - s;
}

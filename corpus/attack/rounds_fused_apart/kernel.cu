// tv: unknown equal
// Unrolled, the first round is fused, and the second is not, since its product is stored.
__global__ void k(const float* a, const float* b, const float* c, float* y, float* z, float* q)
{
    const int t = threadIdx.x;
    for (int r = 0; r < 2; ++r) {
        const float p = a[t] * b[t];
        const float v = p + c[t];
        if (r == 0) {
            y[t] = -v;
        } else {
            z[t] = fabsf(v);
            q[t] = p;
        }
    }
}

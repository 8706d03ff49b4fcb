// tv: refuted equal
// The masked half has a sum of its own, which is 0: its weights are NaN, not 0.
__global__ void k(const float* q, const float* v, float* y)
{
    const int h = threadIdx.x;
    float m = -INFINITY;
    for (int k = 8; k < 16; k++) m = fmaxf(m, q[h * 16 + k]);
    float s = 0.0f;
    for (int k = 8; k < 16; k++) s = __fadd_rn(s, expf(q[h * 16 + k] - m));
    float a = 0.0f;
    for (int k = 8; k < 16; k++) a += __fdiv_rn(expf(q[h * 16 + k] - m), s) * v[h * 16 + k];  // <- equal
    y[h] = a;  // <- equal
}

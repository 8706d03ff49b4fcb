// tv: refuted equal
// The stored mask leaves no key to row 3, whose weights are NaN.
__global__ void k(const float* q, const float* v, float* y)
{
    const int h = threadIdx.x;
    float m = -INFINITY;
    for (int k = 0; k <= h; k++) m = fmaxf(m, q[h * 8 + k]);
    float s = 0.0f;
    for (int k = 0; k <= h; k++) s = __fadd_rn(s, expf(__fsub_rn(q[h * 8 + k], m)));  // <- equal
    float a = 0.0f;
    for (int k = 0; k <= h; k++) a += __fdiv_rn(expf(__fsub_rn(q[h * 8 + k], m)), s) * v[h * 8 + k];  // <- equal
    y[h] = a;  // <- equal
}

// tv: refuted equal
// The graph masks every key: its weights are NaN.
__global__ void k(const float* q, const float* v, float* y)
{
    const int h = threadIdx.x;
    float m = -INFINITY;
    for (int k = 4; k < 8; k++) m = fmaxf(m, q[h * 8 + k]);
    float s = 0.0f;
    for (int k = 4; k < 8; k++) s = __fadd_rn(s, expf(q[h * 8 + k] - m));  // <- equal
    float a = 0.0f;
    for (int k = 4; k < 8; k++) a += __fdiv_rn(expf(q[h * 8 + k] - m), s) * v[h * 8 + k];  // <- equal
    y[h] = a;  // <- equal
}

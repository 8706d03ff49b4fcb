// tv: refuted equal
// Every key is masked, whatever their number: the weights are NaN.
__global__ void k(const float* q, const float* v, float* y, int S)
{
    const int h = threadIdx.x;
    float m = -INFINITY;
    for (int k = 0; k < S; k++) m = fmaxf(m, q[h * S + k]);
    float s = 0.0f;
    for (int k = 0; k < S; k++) s = __fadd_rn(s, expf(q[h * S + k] - m));  // <- equal
    float a = 0.0f;
    for (int k = 0; k < S; k++) a += __fdiv_rn(expf(q[h * S + k] - m), s) * v[h * S + k];  // <- equal
    y[h] = a;  // <- equal
}

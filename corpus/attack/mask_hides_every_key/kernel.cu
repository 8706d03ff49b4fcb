// tv: refuted equal
// A row of which the mask leaves no key is NaN in the graph, and 0 here.
__global__ void k(const float* q, const unsigned char* mask, float* y)
{
    const int r = threadIdx.x;
    float m = -INFINITY;
    for (int c = 0; c < 40; c++) m = fmaxf(m, (mask[r * 40 + c] ? q[r * 40 + c] : -INFINITY));
    float s = 0.0f;
    for (int c = 0; c < 40; c++) s = __fadd_rn(s, expf(__fsub_rn((mask[r * 40 + c] ? q[r * 40 + c] : -INFINITY), m)));  // <- equal
    for (int c = 0; c < 40; c++)
        y[r * 40 + c] = m == -INFINITY ? 0.0f : __fdiv_rn(expf(__fsub_rn((mask[r * 40 + c] ? q[r * 40 + c] : -INFINITY), m)), s);  // <- equal
}

// tv: refuted equal
// A row of which the mask leaves no key is NaN in the graph, and 0 here.
__global__ void k(const float* q, const float* mask, float* y)
{
    const int r = threadIdx.x;
    float m = -INFINITY;
    for (int c = 0; c < 40; c++) m = fmaxf(m, (q[r * 40 + c] + mask[r * 40 + c]));
    float s = 0.0f;
    for (int c = 0; c < 40; c++) s = __fadd_rn(s, expf(__fsub_rn((q[r * 40 + c] + mask[r * 40 + c]), m)));  // <- equal
    for (int c = 0; c < 40; c++)
        y[r * 40 + c] = m == -INFINITY ? 0.0f : __fdiv_rn(expf(__fsub_rn((q[r * 40 + c] + mask[r * 40 + c]), m)), s);  // <- equal
}

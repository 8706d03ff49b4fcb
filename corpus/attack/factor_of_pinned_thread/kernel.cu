// tv: unknown equal
// Where t is 1 it is no factor, and a compiler fuses the product a * b that the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    if (t == 1) {
        y[t] = (a[t] * b[t]) * (float)t + c[t]; // <- equal
    } else {
        y[t] = fmaf(__fmul_rn(a[t], b[t]), (float)t, c[t]);
    }
}

// tv: unknown equal
// Where n is 1 it is no factor, and a compiler fuses the product a * b that the graph rounds.
__global__ void k(int n, const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    if (n == 1) {
        if (t < n) {
            y[t] = (a[t] * b[t]) * (float)n + c[t]; // <- equal
        }
    } else if (t < n) {
        y[t] = fmaf(__fmul_rn(a[t], b[t]), (float)n, c[t]);
    }
}

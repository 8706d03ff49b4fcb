// tv: refuted equal
// Both factors from one cell.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t < 31) {
        y[t] = x[t] * x[t] * 0.5f; // <- equal
    }
}

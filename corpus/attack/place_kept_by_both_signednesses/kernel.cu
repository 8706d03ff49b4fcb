// tv: unknown equal
// The value is kept only where the signed and the unsigned comparison both say so.
__global__ void k(const int* x, int* y)
{
    int best = x[threadIdx.x * 8], at = 0;
    for (int i = 1; i < 8; ++i) {
        const int v = x[threadIdx.x * 8 + i];
        at = v > best ? i : at;  // <- equal
        best = (v > best && (unsigned)v > (unsigned)best) ? v : best;
    }
    y[threadIdx.x] = at;  // <- equal
}

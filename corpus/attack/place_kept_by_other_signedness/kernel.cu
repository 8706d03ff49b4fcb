// tv: unknown equal
// The place goes by the signed comparison, the value that it is compared with by the unsigned one.
__global__ void k(const int* x, int* y)
{
    int best = x[threadIdx.x * 8], at = 0;
    for (int i = 1; i < 8; ++i) {
        const int v = x[threadIdx.x * 8 + i];
        at = v > best ? i : at;  // <- equal
        best = (int)max((unsigned)v, (unsigned)best);
    }
    y[threadIdx.x] = at;  // <- equal
}

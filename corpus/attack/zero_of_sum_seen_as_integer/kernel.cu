// tv: unknown equal
// A sum of two zeros with a sign: -0 where it starts from its first term, +0 where it starts from 0, and the graph leaves open which.
__global__ void k(const float* x, const float* z, int* y)
{
    const int t = threadIdx.x;
    const float s = fmaf(x[t * 2 + 1], z[1], x[t * 2] * z[0]); // <- equal
    y[t] = __float_as_int(s); // <- equal
}

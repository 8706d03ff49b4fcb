// tv: refuted equal
// The bits of the number next to every root.
__global__ void k(const float* x, int* y)
{
    const int t = threadIdx.x;
    const float v = sqrtf(x[t]);
    y[t] = v != v ? 0x7fffffff : __float_as_int(v) + 1; // <- equal
}

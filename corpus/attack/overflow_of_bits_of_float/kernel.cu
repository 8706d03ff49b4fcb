// tv: refuted range
// The bits of a small float are a large integer.
__global__ void k(const int* x, int* y)
{
    const int t = threadIdx.x;
    const int i = __float_as_int((float)(x[t] & 7));
    y[t] = i * 1000 < 0 ? 1 : 0; // <- range
}

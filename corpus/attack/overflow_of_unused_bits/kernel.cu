// tv: refuted range
// An overflow is undefined, though nothing uses the product.
__global__ void k(const int* x, int* y)
{
    const int t = threadIdx.x;
    const int i = __float_as_int((float)(x[t] & 7));
    const int unused = i * 1000; // <- range
    y[t] = x[t];
}

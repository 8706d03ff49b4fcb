// tv: refuted barrier
// The ballot names who had the bit set before the bound moved.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int n = 16;
    const unsigned mask = __ballot_sync(0xffffffffu, t < n);
    n = 17;
    float v = x[t];
    if (t < n) {
        v = __shfl_sync(mask, v, t); // <- barrier
    }
    y[t] = -v;
}

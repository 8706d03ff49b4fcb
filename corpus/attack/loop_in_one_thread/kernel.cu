// tv: refuted barrier
// The first thread's step is its index.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int bit = 0;
    for (int i = t; i < 32; i += t) {  // <- barrier
        bit += i;
    }
    y[t] = bit >= 0 ? -x[t] : x[t];
}

// tv: refuted range
// The remainder of a negative int is a large unsigned number.
__global__ void k(const int* x, long long* y)
{
    const int t = threadIdx.x;
    const unsigned u = (unsigned)(x[t] % 5);
    y[t] = (long long)u * (1LL << 60); // <- range
}

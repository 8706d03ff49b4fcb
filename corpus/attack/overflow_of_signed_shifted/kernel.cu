// tv: refuted range
// Shifted right as int, a negative number is a large unsigned one.
__global__ void k(const int* x, long long* y)
{
    const int t = threadIdx.x;
    const unsigned u = (unsigned)(x[t] >> 1);
    y[t] = (long long)u * (1LL << 60); // <- range
}

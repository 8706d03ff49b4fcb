// tv: refuted range
// What is at most 5 as int is anything as unsigned.
__global__ void k(const int* x, long long* y)
{
    const int t = threadIdx.x;
    const unsigned u = (unsigned)min(x[t], 5);
    y[t] = (long long)u * (1LL << 60); // <- range
}

// tv: refuted range
// A float between -5 and 5 is, as unsigned, not between 0 and 5.
__global__ void k(const float* x, long long* y)
{
    const int t = threadIdx.x;
    const unsigned u = (unsigned)(int)fminf(fmaxf(x[t], -5.0f), 5.0f);
    y[t] = (long long)u * (1LL << 60);  // <- range
}

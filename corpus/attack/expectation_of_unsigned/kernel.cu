// tv: refuted bounds
// `__builtin_expect` is a function of two longs: of thread 0 the index is 2^32, not 0.
__global__ void k(const float* x, float* y)
{
    const unsigned t = threadIdx.x;
    y[t] = -x[__builtin_expect(t - 1u, 0u) + 1];  // <- bounds
}

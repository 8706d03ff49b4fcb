// tv: unknown TV0525
// A large unsigned maximum is a negative int, from which 6 may not be taken.
__global__ void k(const unsigned* x, int* y)
{
    const int t = threadIdx.x;
    const int i = (int)max(x[t], 5u);
    y[t] = i - 6 < i ? 1 : 0;
}

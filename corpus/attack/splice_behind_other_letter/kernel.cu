// tv: refuted equal
// The letter behind the backslash (U+0085) is no blank to a compiler: the comment ends with its line.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int n = 1;
    // no splice \
    n = 0;
    y[t] = n == 1 ? -x[t] : x[t];  // <- equal
}

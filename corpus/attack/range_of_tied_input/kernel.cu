// tv: proved bitwise
// `[inputs]` repeats the range of the parameter's symbol; the graph's P is that symbol's value all the same.
__global__ void k(const float* x, int P, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[P * 4 + t];
}

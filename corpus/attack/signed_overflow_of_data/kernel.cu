// tv: unknown TV0525
// The comparison is always true for nvcc; at the greatest integer the graph's is not.
__global__ void k(const int* x, const int* w, int* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] + 1 > x[t] ? w[t] : 0;
}

// tv: refuted bounds
// The index is what a float looks like in memory, far outside the table.
__global__ void k(const float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[__float_as_int((float)ids[t])];  // <- bounds
}

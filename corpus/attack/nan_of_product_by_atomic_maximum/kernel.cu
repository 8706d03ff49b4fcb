// tv: unknown equal
// The integer maximum takes a NaN without a sign for the greatest of all, as the graph does here, and one with a sign for the least.
__global__ void k(const float* x, const float* z, float* y)
{
    __shared__ int most;
    const int t = threadIdx.x, i = blockIdx.x * 32 + t;
    if (t == 0) most = 0;
    __syncthreads();
    atomicMax(&most, __float_as_int(fabsf(x[i]) * fabsf(z[i])));
    __syncthreads();
    if (t == 0) y[blockIdx.x] = __int_as_float(most); // <- equal
}

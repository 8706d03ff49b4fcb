// tv: unknown race
// One restricted pointer makes loads of x read-only ones, though x itself is plain, and the load of b with them.
__global__ void k(const float* x, float* b, float* __restrict__ y, float* __restrict__ z)
{
    const int t = threadIdx.x;
    b[t] = -x[t];
    __syncthreads();
    z[t] = x[t];
    y[t] = t < 32 ? x[t] : b[95 - t];
}

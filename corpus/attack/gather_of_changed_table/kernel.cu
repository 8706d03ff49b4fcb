// tv: unknown TV0545
__global__ void k(float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[ids[t]];
    __syncthreads();
    x[t] = -x[t];
}

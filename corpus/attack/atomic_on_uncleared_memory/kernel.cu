// tv: refuted init
// An atomic operation reads its cell, which nothing has set.
__global__ void k(const float* x, float* y, float* sum)
{
    const int t = threadIdx.x;
    atomicAdd(&sum[0], x[t]); // <- init
    y[t] = -x[t];
}

// tv: unknown race
// The flag tells the ways apart as an else does: nvcc makes one read-only load of both.
__global__ void k(const float* __restrict__ x, float* b, float* y)
{
    const int t = threadIdx.x;
    b[t] = -x[t];
    __syncthreads();
    bool done = false;
    if (t < 32) { y[t] = x[t]; done = true; }
    if (!done) y[t] = b[95 - t];
}

// tv: unknown race
// nvcc makes one read-only load of both ways to the end of the kernel, and b may be stale there.
__global__ void k(const float* __restrict__ x, float* b, float* y)
{
    const int t = threadIdx.x;
    b[t] = -x[t];
    __syncthreads();
    if (t < 32) { y[t] = x[t]; return; }
    y[t] = b[95 - t];
}

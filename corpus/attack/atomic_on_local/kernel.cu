// tv: unsupported TV0113
// Atomics work on global and shared memory.
__global__ void k(const float* x, float* y)
{
    float a[2];
    const int t = threadIdx.x;
    a[0] = a[1] = 0.0f;
    atomicAdd(&a[t % 2], 1.0f);
    y[t] = -x[t];
}

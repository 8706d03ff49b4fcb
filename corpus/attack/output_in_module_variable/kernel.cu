// tv: unsupported TV0240
// The second output is bound to a variable that no thread writes.
__device__ float g[4];

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = -x[t];
    return;
    g[t] = 0.0f;
}

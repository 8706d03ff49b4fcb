// tv: refuted race
// The second store is behind the barrier, and nothing orders it before the load.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[128];
    const int t = threadIdx.x;
    const float v = x[t];
    s[t] = v;
    __syncthreads();
    s[t + 64] = v; // <- race
    y[t] = s[64 + 63 - t]; // <- race
}

// tv: refuted race
// Each half waits for itself.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t]; // <- race
    __syncwarp(t < 16 ? 0xffffu : 0xffff0000u);
    y[t] = s[31 - t]; // <- race
}

// tv: refuted race
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    float v = __shfl_xor_sync(0xffffffffu, x[t], 1);
    s[t ^ 1] = v; // <- race
    v = __shfl_xor_sync(0xffffffffu, v, 1);
    y[t] = s[31 - t]; // <- race
}

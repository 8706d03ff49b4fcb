// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = v == 1.0f ? expf(v) : v; // <- equal
}

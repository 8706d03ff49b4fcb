// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = v < 0.0f ? 0.0f : v; // <- equal
}

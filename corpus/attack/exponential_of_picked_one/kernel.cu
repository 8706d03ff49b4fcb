// tv: unknown equal
__global__ void k(const float* x, const int* ids, float* y)
{
    const float v = x[ids[threadIdx.x]];
    y[threadIdx.x] = v == 1.0f ? expf(v) : v; // <- equal
}

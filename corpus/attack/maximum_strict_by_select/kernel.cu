// tv: unknown equal
__global__ void k(const float* a, const float* b, float* y)
{
    const float u = a[threadIdx.x], v = b[threadIdx.x];
    y[threadIdx.x] = isnan(u) || u > v ? u : v; // <- equal
}

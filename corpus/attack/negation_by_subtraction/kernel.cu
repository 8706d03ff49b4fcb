// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = 0.0f - x[threadIdx.x]; // <- equal
}

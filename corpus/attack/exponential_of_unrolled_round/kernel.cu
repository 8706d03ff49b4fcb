// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    for (int i = 0; i < 3; ++i) {
        y[i * 32 + threadIdx.x] = x[i * 32 + threadIdx.x] * expf((float)i); // <- equal
    }
}

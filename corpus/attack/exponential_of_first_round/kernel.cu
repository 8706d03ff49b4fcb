// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    float power = 1.0f;
    for (int i = 0; i < 2; ++i) {
        if (i == 0) {
            y[threadIdx.x] = x[threadIdx.x] * expf(power); // <- equal
        }
        power = x[threadIdx.x];
    }
}

// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    float power = 1.0f;
    for (int i = 0; i < 4; ++i) {
        y[threadIdx.x] = x[threadIdx.x] * expf(power); // <- equal
        power = (float)(i + 2 - i - 1);
    }
}

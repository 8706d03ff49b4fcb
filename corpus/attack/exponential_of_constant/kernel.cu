// tv: unknown equal
__device__ float scaled(float v, float power)
{
    return v * expf(power); // <- equal
}

__global__ void k(const float* x, float* y)
{
    const float one = 1.0f;
    y[threadIdx.x] = scaled(x[threadIdx.x], one);
}

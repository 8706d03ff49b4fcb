// tv: bad-input TV0243
// The second launch is said to find the scratch cleared, which the first has filled.
__global__ void first(const float* x, float* s)
{
    s[blockIdx.x * 64 + threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
}

__global__ void second(const float* s, float* y)
{
    y[blockIdx.x * 64 + threadIdx.x] = s[255 - (blockIdx.x * 64 + threadIdx.x)];
}

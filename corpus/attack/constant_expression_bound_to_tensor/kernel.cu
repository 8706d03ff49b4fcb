// tv: bad-input TV0221
// `constexpr` says `const` too.
__device__ constexpr float c[1] = {2.0f};

__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = x[threadIdx.x] * expf(c[0]);
}

// tv: unsupported TV0111
// 2^63 + 1 is unsigned for nvcc: its negation is 2^63 - 1, and no number below zero.
__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = x[threadIdx.x] + (float)(-9223372036854775809); // <- TV0111
}

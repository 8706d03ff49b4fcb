// tv: refuted equal
// 2^60 + 2^36 + 1 rounds up to 2^60 + 2^37; by way of double it would be 2^60.
__global__ void k(const float* x, float* y)
{
    long long big = 1152921573326323713LL;
    y[threadIdx.x] = x[threadIdx.x] + (float)big; // <- equal
}

// tv: bad-input TV0220
// `size_t` is a constant of two bytes in the function.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    short const size_t(3);
    int n = sizeof(size_t) * 32;
    negate<<<1, 256>>>(x, y, n);
}

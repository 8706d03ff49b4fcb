// tv: bad-input TV0220
// A declarator in parentheses: `int32_t` is a short in the function, which keeps 128.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    typedef short (int32_t);
    int32_t n = 65536 + 128;
    negate<<<1, 256>>>(x, y, n);
}

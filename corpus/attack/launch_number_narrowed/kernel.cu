// tv: refuted coverage
// Of the number that is given a `short` keeps 128.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];  // <- coverage
}

void run(const float* x, float* y)
{
    short int n = 65536 + 128;
    negate<<<1, 256>>>(x, y, n);
}

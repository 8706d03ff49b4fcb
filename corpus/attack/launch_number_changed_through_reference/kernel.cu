// tv: bad-input TV0220
// The number that is passed has another name, by which it is assigned.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    int n = 256;
    int& r = n;
    r = 128;
    negate<<<1, 256>>>(x, y, n);
}

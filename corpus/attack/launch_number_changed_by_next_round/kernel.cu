// tv: bad-input TV0220
// The launch stands in a loop, which changes what it passes after the first round.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    int n = 256;
    for (int round = 0; round < 2; ++round) {
        negate<<<1, 256>>>(x, y, n);
        n = 128;
    }
}

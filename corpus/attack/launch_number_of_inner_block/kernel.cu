// tv: bad-input TV0220
// A constant of an inner block ends with it: what is passed is the file's.
const int count = 128;

__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    {
        const int count = 256;
    }
    negate<<<1, 256>>>(x, y, count);
}

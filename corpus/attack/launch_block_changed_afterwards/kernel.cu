// tv: bad-input TV0211
// A member of the launch's dim3 is assigned after it was made, and half of the elements are never written.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    dim3 block(256);
    block.x = 128;
    negate<<<1, block>>>(x, y, 256);
}

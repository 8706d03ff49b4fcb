// tv: unsupported TV0113
// The call deduces `unsigned char`, in which the bound is 0; the default counts where nothing is deduced.
template <typename T = int>
__global__ void negate(const float* x, float* y, T n) // tv: here
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    T bound = n + 128;
    if (i < bound) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    negate<><<<1, 256>>>(x, y, (unsigned char)128);
}

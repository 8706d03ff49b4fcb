// tv: bad-input TV0220
// A member's default says nothing of the object whose launch this is.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

struct Launcher {
    int count = 256;
    void run(const float* x, float* y)
    {
        negate<<<1, 256>>>(x, y, count);
    }
};

void run(const float* x, float* y)
{
    Launcher launcher;
    launcher.count = 128;
    launcher.run(x, y);
}

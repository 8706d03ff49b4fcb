// tv: proved bitwise
// An `unsigned char` keeps 128, a `short` 256: neither is read by its last word alone.
__global__ void negate(const float* x, float* y, int n, int whole)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = -x[i];
        y[i + whole - n] = -x[i + whole - n];
    }
}

void run(const float* x, float* y)
{
    unsigned char n = 128;
    short int whole = 65536 + 256;
    negate<<<1, 128>>>(x, y, n, whole);
}

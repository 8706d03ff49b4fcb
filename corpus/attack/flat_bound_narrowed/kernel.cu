// tv: unknown TV0406
// Of 256 rows and more some are left out.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    const int m = (unsigned char)M;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < m * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];
    }
}

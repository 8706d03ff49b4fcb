// tv: refuted coverage
// Rows from the fourth on are left out.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < min(M, 4) * N; i += stride) {  // <- coverage
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- coverage
    }
}

// tv: refuted coverage
// Multiplied and divided by one number in 32 bits, a thread's number is another.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + (threadIdx.x * 100000000u) / 100000000u; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- coverage
    }
}

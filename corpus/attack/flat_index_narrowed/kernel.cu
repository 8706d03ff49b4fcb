// tv: refuted coverage
// A thread's number does not fit one byte.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + (unsigned char)threadIdx.x; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- coverage
    }
}

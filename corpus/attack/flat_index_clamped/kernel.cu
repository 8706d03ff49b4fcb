// tv: refuted coverage
// Half of the threads take the same elements: the others are left out.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + min(threadIdx.x, 31u); i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- coverage
    }
}

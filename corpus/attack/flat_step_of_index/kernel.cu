// tv: refuted coverage
// The step grows from round to round; in the first it is the number of threads.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    const int first = blockIdx.x * blockDim.x + threadIdx.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride + i - first) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- coverage
    }
}

// tv: refuted race
// What the thread before has written is read, with nothing between.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];  // <- race
        if (c > 0)
            y[r * N + c - 1] = x[r * N + c];  // <- race
    }
}

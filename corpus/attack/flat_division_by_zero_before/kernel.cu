// tv: refuted range
// What stands before the loop is computed too: a third of a block divides by zero.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    const int unused = (int)(blockIdx.x * 4) / (int)(threadIdx.x / 100);  // <- range
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];
    }
}

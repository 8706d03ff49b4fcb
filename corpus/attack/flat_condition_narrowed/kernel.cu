// tv: unknown TV0406
// From 32768 on the condition sees a negative index.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; (short)i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];
    }
}

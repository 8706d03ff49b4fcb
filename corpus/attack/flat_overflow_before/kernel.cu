// tv: refuted range
// What stands before the loop is computed too, and overflows, whatever the loop needs of it.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    const int unused = (int)threadIdx.x * 2000000000;  // <- range
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];
    }
}

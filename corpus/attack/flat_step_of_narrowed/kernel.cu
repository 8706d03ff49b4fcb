// tv: unknown TV0406
// The index never passes 65536 + stride.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i = (unsigned short)i + stride) {
        const int r = i / N, c = i % N;
        y[r * N + c] = -x[r * N + c];
    }
}

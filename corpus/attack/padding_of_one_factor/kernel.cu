// tv: refuted equal
// Past the end one factor is zero, and the other some element, which may be infinite.
#define T 16
__global__ void gemm(const float* a, const float* b, float* y, int M, int N, int K)
{
    __shared__ float As[T][T], Bs[T][T];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int j = blockIdx.x * T + tx, i = blockIdx.y * T + ty;
    const float* ap = a + i * K + tx;
    const float* bp = b + ty * N + j;
    float s = 0.0f;
    for (int k = 0; k < K; k += T) {
        As[ty][tx] = (i < M && k + tx < K) ? *ap : 0.0f;
        Bs[ty][tx] = b[min(k + ty, K - 1) * N + min(j, N - 1)];  // <- equal
        __syncthreads();
        for (int q = 0; q < T; ++q) s += As[ty][q] * Bs[q][tx];  // <- equal
        __syncthreads();
        ap += T;
        bp += T * N;
    }
    if (i < M && j < N) y[i * N + j] = s;
}

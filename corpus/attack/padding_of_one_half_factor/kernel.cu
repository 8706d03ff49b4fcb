// tv: refuted equal
// Past the end one factor is a zero that is converted, and the other some element, which may be infinite.
#include <cuda_fp16.h>
#define T 16
__global__ void gemm(const half* a, const half* b, half* y, int M, int N, int K)
{
    __shared__ half As[T][T], Bs[T][T];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int j = blockIdx.x * T + tx, i = blockIdx.y * T + ty;
    const half* ap = a + i * K + tx;
    float s = 0.0f;
    for (int k = 0; k < K; k += T) {
        As[ty][tx] = (i < M && k + tx < K) ? *ap : __float2half(0.0f);
        Bs[ty][tx] = b[min(k + ty, K - 1) * N + min(j, N - 1)];  // <- equal
        __syncthreads();
        for (int q = 0; q < T; ++q) s += __half2float(As[ty][q]) * __half2float(Bs[q][tx]);  // <- equal
        __syncthreads();
        ap += T;
    }
    if (i < M && j < N) y[i * N + j] = __float2half(s);
}

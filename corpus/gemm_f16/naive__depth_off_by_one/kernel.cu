// tv: refuted equal
#include <cuda_fp16.h>

#ifndef M
#define M 1971
#endif
#ifndef N
#define N 3000
#endif
#ifndef K
#define K 1090
#endif

__global__ void gemm(const half* __restrict__ A, const half* __restrict__ B, half* __restrict__ C)
{
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < M && col < N) {
        float sum = 0.0f;
        for (int k = 0; k < K - 1; k++) {  // <- equal
            sum += __half2float(A[row * K + k]) * __half2float(B[k * N + col]);  // <- equal
        }
        C[row * N + col] = __float2half(sum);
    }
}

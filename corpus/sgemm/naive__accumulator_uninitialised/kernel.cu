// tv: refuted init
#include <cuda_runtime.h>

#ifndef M
#define M 4096
#endif
#ifndef N
#define N 4096
#endif
#ifndef K
#define K 4096
#endif

__global__ void sgemm(const float* A, const float* B, float* C)
{
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < M && col < N) {
        float acc;
        for (int k = 0; k < K; k++) {
            acc += A[row * K + k] * B[k * N + col];  // <- init
        }
        C[row * N + col] = acc;
    }
}

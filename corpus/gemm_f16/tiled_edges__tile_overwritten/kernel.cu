// tv: refuted race
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
#define TILE 32

// One element a thread; what a tile has outside the matrices is zero.
__global__ void gemm(const half* __restrict__ A, const half* __restrict__ B, half* __restrict__ C)
{
    __shared__ half As[TILE][TILE];
    __shared__ half Bs[TILE][TILE + 2];

    const int tx = threadIdx.x;
    const int ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty;
    const int col = blockIdx.x * TILE + tx;
    float acc = 0.0f;

    for (int t = 0; t < (K + TILE - 1) / TILE; ++t) {
        const int ka = t * TILE + tx;
        const int kb = t * TILE + ty;
        As[ty][tx] = row < M && ka < K ? A[row * K + ka] : __float2half(0.0f);  // <- race
        Bs[ty][tx] = kb < K && col < N ? B[kb * N + col] : __float2half(0.0f);  // <- race
        __syncthreads();
#pragma unroll
        for (int k = 0; k < TILE; ++k) {
            acc = fmaf(__half2float(As[ty][k]), __half2float(Bs[k][tx]), acc);  // <- race
        }
    }

    if (row < M && col < N) {
        C[row * N + col] = __float2half_rn(acc);
    }
}

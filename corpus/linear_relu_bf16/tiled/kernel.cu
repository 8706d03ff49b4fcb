// tv: proved reassoc
#include <cuda_bf16.h>

#ifndef M
#define M 500
#endif
#ifndef N
#define N 2050
#endif
#ifndef K
#define K 1030
#endif
#define TILE 16

// Rows of both operands run along K, so both tiles are loaded along it.
__global__ void linear_relu(const __nv_bfloat16* __restrict__ x, const __nv_bfloat16* __restrict__ w, const __nv_bfloat16* __restrict__ bias, __nv_bfloat16* __restrict__ y)
{
    __shared__ float xs[TILE][TILE + 1];
    __shared__ float ws[TILE][TILE + 1];

    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty;
    const int col = blockIdx.x * TILE + tx;
    const int wrow = blockIdx.x * TILE + ty;

    float sum = 0.0f;
    for (int k0 = 0; k0 < K; k0 += TILE) {
        const int k = k0 + tx;
        xs[ty][tx] = (row < M && k < K) ? __bfloat162float(x[row * K + k]) : 0.0f;
        ws[ty][tx] = (wrow < N && k < K) ? __bfloat162float(w[wrow * K + k]) : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; ++i)
            sum += xs[ty][i] * ws[tx][i];
        __syncthreads();
    }
    if (row < M && col < N) {
        const float z = sum + __bfloat162float(bias[col]);
        y[row * N + col] = __float2bfloat16(z > 0.0f ? z : 0.0f);
    }
}

// tv: refuted bounds
#include <cuda_pipeline.h>

#ifndef TILE
#define TILE 16
#endif

// Tiles arrive asynchronously; what lies past the matrices is filled with zeros and not read.
__global__ void __launch_bounds__(TILE * TILE)
matmul(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int M, int N, int K)
{
    __shared__ float as[2][TILE][TILE];
    __shared__ float bs[2][TILE][TILE];

    const int tx = threadIdx.x;
    const int ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty;
    const int col = blockIdx.x * TILE + tx;

    __pipeline_memcpy_async(&as[0][ty][tx], a + (size_t)row * K + tx, 4, row < M && tx < K ? 0 : 4);
    __pipeline_memcpy_async(&bs[0][ty][tx], b + (size_t)ty * N + col, 4, ty < K && col < N ? 0 : 4);
    __pipeline_commit();

    float sum = 0.0f;
    int stage = 0;
    for (int k = 0; k < K; k += TILE) {
        const int ak = k + TILE + tx;
        const int bk = k + TILE + ty;
        __pipeline_memcpy_async(&as[stage ^ 1][ty][tx], a + (size_t)row * K + ak, 4, row < M ? 0 : 4);  // <- bounds
        __pipeline_memcpy_async(&bs[stage ^ 1][ty][tx], b + (size_t)bk * N + col, 4, bk < K && col < N ? 0 : 4);
        __pipeline_commit();
        __pipeline_wait_prior(1);
        __syncthreads();
        for (int q = 0; q < TILE; ++q) {
            sum += as[stage][ty][q] * bs[stage][q][tx];
        }
        __syncthreads();
        stage ^= 1;
    }
    if (row < M && col < N) {
        y[(size_t)row * N + col] = sum;
    }
}

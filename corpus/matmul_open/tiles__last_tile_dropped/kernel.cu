// tv: refuted equal
#ifndef TILE
#define TILE 16
#endif

// Tiles are padded with zeros where the matrices end.
__global__ void __launch_bounds__(TILE * TILE)
matmul(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int M, int N, int K)
{
    __shared__ float as[TILE][TILE];
    __shared__ float bs[TILE][TILE + 1];

    const int tx = threadIdx.x;
    const int ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty;
    const int col = blockIdx.x * TILE + tx;
    const float* ap = a + (size_t)row * K + tx;
    const float* bp = b + (size_t)ty * N + col;

    float sum = 0.0f;
    for (int k = 0; k + TILE <= K; k += TILE) {  // <- equal
        as[ty][tx] = row < M && k + tx < K ? *ap : 0.0f;
        bs[ty][tx] = k + ty < K && col < N ? *bp : 0.0f;
        __syncthreads();
        for (int q = 0; q < TILE; ++q) {
            sum += as[ty][q] * bs[q][tx];  // <- equal
        }
        __syncthreads();
        ap += TILE;
        bp += (size_t)TILE * N;
    }
    if (row < M && col < N) {
        y[(size_t)row * N + col] = sum;  // <- equal
    }
}

// tv: refuted coverage
#include <cuda_runtime.h>

#ifndef TILE
#define TILE 32
#endif
#ifndef STEP
#define STEP 8
#endif

// Blocks that run at the same time work on a diagonal of tiles, so that they do not all meet in one memory partition.
__global__ void transpose(const float* __restrict__ x, float* __restrict__ y, int rows, int cols)
{
    __shared__ float tile[TILE][TILE + 1];

    const int block = blockIdx.x + gridDim.x * blockIdx.y;
    const int down = block % gridDim.y;
    const int across = (block / gridDim.x + down) % gridDim.x;  // <- coverage

    int c = across * TILE + threadIdx.x;
    int r = down * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += STEP) {
        if (c < cols && r + j < rows) {
            tile[threadIdx.y + j][threadIdx.x] = x[(r + j) * cols + c];
        }
    }
    __syncthreads();

    c = down * TILE + threadIdx.x;
    r = across * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += STEP) {
        if (c < rows && r + j < cols) {
            y[(r + j) * rows + c] = tile[threadIdx.x][threadIdx.y + j];  // <- coverage
        }
    }
}

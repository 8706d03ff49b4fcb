// tv: refuted equal
#include <cuda_runtime.h>

#ifndef TILE
#define TILE 32
#endif
#ifndef STEP
#define STEP 8
#endif

// One tile per block, STEP rows of it at a time; the extra column keeps the columns in different banks.
__global__ void transpose(const float* __restrict__ x, float* __restrict__ y, int rows, int cols)
{
    __shared__ float tile[TILE][TILE + 1];

    int c = blockIdx.x * TILE + threadIdx.x;
    int r = blockIdx.y * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += STEP) {
        if (c < cols && r + j < rows) {
            tile[threadIdx.y + j][threadIdx.x] = x[(r + j) * cols + c];  // <- equal
        }
    }
    __syncthreads();

    c = blockIdx.y * TILE + threadIdx.x;
    r = blockIdx.x * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += STEP) {
        if (c < rows && r + j < cols) {
            y[(r + j) * rows + c] = tile[threadIdx.y + j][threadIdx.x];  // <- equal
        }
    }
}

// tv: refuted bounds
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 48
#endif

// A row of the block is half a warp.
__global__ void row_sum(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    float sum = 0.0f;
    if (row < rows) {
        for (int c = threadIdx.x; c < COLS; c += 16) {
            sum += x[(size_t)row * COLS + c];
        }
    }
    for (int i = 0; i < 4; ++i) {
        sum += __shfl_xor_sync(0xffffffffu, sum, 8 >> i);
    }
    if (threadIdx.x == 0) {
        y[row] = sum;  // <- bounds
    }
}

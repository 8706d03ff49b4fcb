// tv: unknown determinism
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 5000
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__global__ void row_sum(const float* __restrict__ x, float* __restrict__ y, unsigned int* done, int rows)
{
    __shared__ float part[BLOCK];

    const int row = blockIdx.x;
    const int t = threadIdx.x;
    if (row >= rows) return;

    float s = 0.0f;
    for (int c = t; c < COLS; c += BLOCK) {
        s += x[(size_t)row * COLS + c];
    }
    if (t == 0) {
        part[0] = 0.0f;
    }
    __syncthreads();
    atomicAdd(&part[0], s); // <- determinism
    __syncthreads();

    if (t == 0) {
        y[row] = part[0];
        atomicAdd(&done[0], 1u);
    }
}

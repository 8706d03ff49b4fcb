// tv: refuted race
#include <cuda_runtime.h>
#include <limits.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef PARTS
#define PARTS 4
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// One block a row, by comparison alone: each thread keeps what is larger, then halves the block's maxima.
extern "C" __global__ void row_maxima(const int* __restrict__ x, int* __restrict__ y, int rows)
{
    __shared__ int best[BLOCK];
    const int t = threadIdx.x;
    const int* row = x + (size_t)blockIdx.x * COLS;
    int mine = row[t];
    for (int i = t + BLOCK; i < COLS; i += BLOCK) {
        if (row[i] > mine) mine = row[i];
    }
    best[t] = mine;
    __syncthreads();
    for (int o = BLOCK / 2; o > 0; o >>= 1) {
        if (t < o) best[t] = best[t + o] >= best[t] ? best[t + o] : best[t];  // <- race
    }
    if (t == 0) y[blockIdx.x] = best[0];  // <- race
}

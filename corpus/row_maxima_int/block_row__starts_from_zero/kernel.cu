// tv: refuted equal
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

// One block a row; its threads meet in shared memory.
extern "C" __global__ void row_maxima(const int* __restrict__ x, int* __restrict__ y, int rows)
{
    __shared__ int best;
    const int t = threadIdx.x;
    if (t == 0) best = 0;  // <- equal
    __syncthreads();
    const int* row = x + (size_t)blockIdx.x * COLS;
    int mine = INT_MIN;
    for (int i = t; i < COLS; i += BLOCK) mine = max(mine, row[i]);
    atomicMax(&best, mine);
    __syncthreads();
    if (t == 0) y[blockIdx.x] = best;  // <- equal
}

// tv: refuted equal
#include <cuda_runtime.h>

#ifndef BLOCK
#define BLOCK 128
#endif
#ifndef RUN
#define RUN 4
#endif

// Each thread walks its own run; what it stores is its neighbour's element of the same step.
__global__ void pair_swap(const float* __restrict__ x, float* __restrict__ y)
{
    __shared__ float cell[BLOCK];

    const int t = threadIdx.x;
    const int first = (blockIdx.x * BLOCK + t) * RUN;
    for (int i = first; i < first + RUN; ++i) {
        cell[t] = x[i];  // <- equal
        __syncthreads();
        y[i] = cell[t];  // <- equal
        __syncthreads();
    }
}

// tv: refuted equal
#include <cuda_runtime.h>

#ifndef N
#define N 200003
#endif
#ifndef BLOCKS
#define BLOCKS 32
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// A count in shared memory for each block, then one atomic operation a block.
extern "C" __global__ void count_above(const float* __restrict__ x, int* __restrict__ y)
{
    __shared__ unsigned int found;
    const int t = threadIdx.x;
    if (t == 0) found = 0;  // <- equal
    __syncthreads();
    for (int i = blockIdx.x * BLOCK + t; i < N; i += BLOCKS * BLOCK) {
        if (x[i] > 0.5f) atomicAdd(&found, 1u);
    }
    __syncthreads();
    if ((t & 31) == 0) atomicAdd(y, (int)found);  // <- equal
}

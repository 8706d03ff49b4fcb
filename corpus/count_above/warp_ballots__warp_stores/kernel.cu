// tv: refuted race
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

// A warp counts by ballots, and its first lane adds what it found.
extern "C" __global__ void count_above(const float* __restrict__ x, int* __restrict__ y)
{
    const int t = threadIdx.x;
    unsigned int found = 0;
    for (int base = blockIdx.x * BLOCK; base < N; base += BLOCKS * BLOCK) {
        const int i = base + t;
        const bool above = i < N && x[i] > 0.5f;
        found += __popc(__ballot_sync(0xffffffffu, above));
    }
    if ((t & 31) == 0) *y = (int)((unsigned int)*y + found);  // <- race
}

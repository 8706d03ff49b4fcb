// tv: refuted barrier
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 200
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

// One thread a row: the running sum is kept in float, and rounded at every step.
__global__ void running_sum(const half* __restrict__ x, half* __restrict__ y, int rows)
{
    const int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    const half* xr = x + (size_t)row * COLS;
    half* yr = y + (size_t)row * COLS;

    float sum = 0.0f;
    int c = 0;
    while (c < COLS) {  // <- barrier
        const float v = __half2float(xr[c]);
        if (v == 0.0f) {
            yr[c] = __float2half(sum);
            continue;
        }
        sum += v;
        yr[c++] = __float2half(sum);
    }
}

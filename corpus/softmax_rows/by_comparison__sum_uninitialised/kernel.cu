// tv: refuted init
#include <cuda_runtime.h>

#ifndef COLS
#define COLS 96
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

// One thread a row: rows are short, and there are many of them.
__global__ void softmax_rows(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    const int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    const float* xr = x + (size_t)row * COLS;
    float* yr = y + (size_t)row * COLS;

    float m = -INFINITY;
    for (int c = 0; c < COLS; ++c) {
        if (xr[c] > m) m = xr[c];
    }
    float sum;
    for (int c = 0; c < COLS; ++c) {
        const float e = expf(xr[c] - m);
        yr[c] = e;
        sum += e;  // <- init
    }
    for (int c = 0; c < COLS; ++c) {
        yr[c] /= sum;
    }
}

// tv: proved bitwise
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

    float m = xr[0];
    for (int c = 1; c < COLS; ++c) {
        m = fmaxf(m, xr[c]);
    }
    float sum = 0.0f;
    for (int c = 0; c < COLS; ++c) {
        const float e = expf(xr[c] - m);
        yr[c] = e;
        sum += e;
    }
    for (int c = 0; c < COLS; ++c) {
        yr[c] /= sum;
    }
}

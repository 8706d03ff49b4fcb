// tv: refuted equal
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 96
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

// One thread a row: rows are short, and there are many of them.
__global__ void softmax_rows_bf16(const __nv_bfloat16* __restrict__ x, __nv_bfloat16* __restrict__ y, int rows)
{
    const int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    const __nv_bfloat16* xr = x + (size_t)row * COLS;
    __nv_bfloat16* yr = y + (size_t)row * COLS;

    float m = -INFINITY;
    for (int c = 0; c < COLS; ++c) {
        m = fmaxf(m, __bfloat162float(xr[c]));
    }
    float sum = 0.0f;
    for (int c = 0; c < COLS; ++c) {
        sum += expf(__bfloat162float(xr[c]) - m);
    }
    for (int c = 0; c < COLS; ++c) {
        yr[c] = __float2bfloat16_rz(expf(__bfloat162float(xr[c]) - m) / sum);  // <- equal
    }
}

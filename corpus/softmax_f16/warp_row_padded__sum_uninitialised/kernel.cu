// tv: refuted init
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1000
#endif
#ifndef BLOCK
#define BLOCK 128
#endif
#define PER_LANE ((COLS + 31) / 32)
#define FULL 0xffffffffu

// One warp per row; its values stay in registers between the three passes.
__global__ void __launch_bounds__(BLOCK) softmax(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    const int lane = threadIdx.x % 32;
    const int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    const __half* xr = x + (size_t)row * COLS;
    __half* yr = y + (size_t)row * COLS;

    float v[PER_LANE];
    float top = -INFINITY;
#pragma unroll
    for (int k = 0; k < PER_LANE; ++k) {
        const int c = lane + 32 * k;
        v[k] = c < COLS ? __half2float(xr[c]) : -INFINITY;
        top = fmaxf(top, v[k]);
    }
    for (int o = 16; o > 0; o >>= 1) {
        top = fmaxf(top, __shfl_xor_sync(FULL, top, o));
    }

    float sum;
#pragma unroll
    for (int k = 0; k < PER_LANE; ++k) {
        const int c = lane + 32 * k;
        if (c < COLS) {
            v[k] = expf(v[k] - top);
            sum = __fadd_rn(sum, v[k]);  // <- init
        }
    }
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(FULL, sum, o);
    }

#pragma unroll
    for (int k = 0; k < PER_LANE; ++k) {
        const int c = lane + 32 * k;
        if (c < COLS) {
            yr[c] = __float2half_rn(v[k] / sum);
        }
    }
}

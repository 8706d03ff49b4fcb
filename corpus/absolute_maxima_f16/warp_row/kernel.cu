// tv: proved bitwise
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// One warp a row; magnitudes are compared, and none is below zero.
__global__ void absolute_maxima(const half* __restrict__ x, float* __restrict__ y, int rows)
{
    const int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const half* xr = x + (size_t)row * COLS;

    float most = 0.0f;
    for (int c = lane; c < COLS; c += 32) {
        const float v = fabsf(__half2float(xr[c]));
        if (v > most) most = v;
    }
    for (int o = 16; o > 0; o >>= 1) {
        const float other = __shfl_xor_sync(0xffffffffu, most, o);
        most = other > most ? other : most;
    }
    if (lane == 0) y[row] = most;
}

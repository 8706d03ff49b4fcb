// tv: proved bitwise
#include <cuda_runtime.h>

#define ZERO_POINT 3
#ifndef BLOCK
#define BLOCK 256
#endif

// Clamped first, so that the integer holds it; the conversion rounds halves to even.
__global__ void quantize(const float* __restrict__ x, const float* __restrict__ scale, signed char* __restrict__ y, int n)
{
    const float s = *scale;
    int i = blockIdx.x * BLOCK + threadIdx.x;
    for (;;) {
        if (i >= n) return;
        int q = __float2int_rn(fminf(fmaxf(x[i] / s, -1024.0f), 1024.0f)) + ZERO_POINT;
        q = max(-128, min(127, q));
        y[i] = (signed char)q;
        i += gridDim.x * BLOCK;
    }
}

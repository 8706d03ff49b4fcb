// tv: refuted equal
#include <cuda_runtime.h>

#define ZERO_POINT 3
#ifndef BLOCK
#define BLOCK 256
#endif

// One scale for all; halves round to even, and what does not fit becomes the nearest that does.
__global__ void quantize(const float* __restrict__ x, const float* __restrict__ scale, signed char* __restrict__ y, int n)
{
    const float s = *scale;
    for (int i = blockIdx.x * BLOCK + threadIdx.x; i < n; i += gridDim.x * BLOCK) {
        float q = x[i] / s + (float)ZERO_POINT;  // <- equal
        q = fminf(fmaxf(q, -128.0f), 127.0f);
        y[i] = (signed char)(int)q;  // <- equal
    }
}

// tv: refuted race
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 4096
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// One block a row; the tree over shared memory stores only where something larger is found.
__global__ void absolute_maxima(const half* __restrict__ x, float* __restrict__ y, int rows)
{
    __shared__ float best[BLOCK];
    const int t = threadIdx.x;
    const half* xr = x + (size_t)blockIdx.x * COLS;

    float most = 0.0f;
    for (int c = t; c < COLS; c += BLOCK) {
        const float v = fabsf(__half2float(xr[c]));
        most = most < v ? v : most;
    }
    best[t] = most;
    __syncthreads();
    for (int o = BLOCK / 2; o > 0; o >>= 1) {
        if (t < o && best[t + o] > best[t]) best[t] = best[t + o];  // <- race
    }
    if (t == 0) y[blockIdx.x] = best[0];  // <- race
}

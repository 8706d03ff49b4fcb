// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1536
#endif

// Four columns per thread and step: two pairs are read, four flags are written as one word.
__global__ void above_threshold(const half* __restrict__ x, const half* __restrict__ threshold,
                                unsigned char* __restrict__ active, int rows)
{
    const int row = blockIdx.x;
    if (row >= rows) return;
    const half2* xr = (const half2*)(x + (size_t)row * COLS);
    const half2* limit = (const half2*)threshold;
    uchar4* out = (uchar4*)(active + (size_t)row * COLS);

    for (int c = threadIdx.x; c < COLS / 2; c += blockDim.x) {
        const half2 a = xr[2 * c];  // <- bounds
        const half2 b = xr[2 * c + 1];
        const half2 p = limit[2 * c];  // <- bounds
        const half2 q = limit[2 * c + 1];
        out[c] = make_uchar4(__hgt(a.x, p.x), __hgt(a.y, p.y), __hgt(b.x, q.x), __hgt(b.y, q.y));
    }
}

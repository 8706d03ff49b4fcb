// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef C
#define C 64
#endif
#ifndef H
#define H 57
#endif
#ifndef W
#define W 83
#endif
#ifndef F
#define F 96
#endif

// A block is a row of one filter's output, a thread one column; what lies outside the image is not added.
__global__ void conv2d(const half* __restrict__ x, const half* __restrict__ w, const half* __restrict__ b, half* __restrict__ y)
{
    const int ox = threadIdx.x;
    const int oy = blockIdx.x;
    const int image = blockIdx.y / F;
    const int filter = blockIdx.y % F;

    float sum = 0.0f;
    for (int c = 0; c < C; ++c) {
        const half* plane = x + (size_t)(image * C + c) * H * W;
        const half* taps = w + (size_t)(filter * C + c) * 9;
        for (int r = 0; r < 3; ++r) {
            for (int s = 0; s < 3; ++s) {
                const int iy = oy + r - 1;
                const int ix = ox + s - 1;
                if (iy >= 0 && iy <= H && ix >= 0 && ix < W)
                    sum += __half2float(plane[iy * W + ix]) * __half2float(taps[r * 3 + s]);  // <- bounds
            }
        }
    }
    sum += __half2float(b[filter]);
    y[((size_t)blockIdx.y * H + oy) * W + ox] = __float2half(fmaxf(sum, 0.0f));
}

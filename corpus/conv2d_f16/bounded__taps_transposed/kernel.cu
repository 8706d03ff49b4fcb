// tv: refuted equal
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

// A block is a row of one filter's output, a thread one column; taps outside the image are left out.
__global__ void conv2d(const half* __restrict__ x, const half* __restrict__ w, const half* __restrict__ b, half* __restrict__ y)
{
    const int ox = threadIdx.x;
    const int oy = blockIdx.x;
    const int image = blockIdx.y / F;
    const int filter = blockIdx.y % F;
    const int r0 = max(0, 1 - oy), r1 = min(3, H + 1 - oy);
    const int s0 = max(0, 1 - ox), s1 = min(3, W + 1 - ox);

    float sum = 0.0f;
    for (int c = 0; c < C; ++c) {
        const half* plane = x + (size_t)(image * C + c) * H * W;
        const half* taps = w + (size_t)(filter * C + c) * 9;
        for (int r = r0; r < r1; ++r) {
            for (int s = s0; s < s1; ++s) {
                sum += __half2float(plane[(oy + r - 1) * W + ox + s - 1]) * __half2float(taps[s * 3 + r]);  // <- equal
            }
        }
    }
    sum += __half2float(b[filter]);
    y[((size_t)blockIdx.y * H + oy) * W + ox] = __float2half(fmaxf(sum, 0.0f));  // <- equal
}

// tv: proved bitwise
// One thread an element of the larger image, which reads the element at half its place.
#include <cuda_fp16.h>
#ifndef C
#define C 512
#endif
#ifndef H
#define H 64
#endif
#ifndef W
#define W 64
#endif

__global__ void upsample(const half* __restrict__ x, half* __restrict__ y, int images)
{
    const int at = blockIdx.x * blockDim.x + threadIdx.x;
    const int image = blockIdx.y;
    if (at >= C * 2 * H * 2 * W || image >= images) return;
    const int col = at % (2 * W);
    const int row = at / (2 * W) % (2 * H);
    const int channel = at / (2 * W) / (2 * H);
    const int from = ((image * C + channel) * H + row / 2) * W + col / 2;
    y[image * (C * 2 * H * 2 * W) + at] = x[from];
}

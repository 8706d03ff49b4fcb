// tv: refuted equal
// The place comes from the lane beside the one that the value comes from.
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 2048
#endif
#ifndef WARPS
#define WARPS 4
#endif

extern "C" __global__ void __launch_bounds__(32 * WARPS)
argmax_rows(const __half* __restrict__ x, long long* __restrict__ place, int rows)
{
    const int lane = threadIdx.x & 31;
    const int row = blockIdx.x * WARPS + (threadIdx.x >> 5);
    if (row >= rows) {
        return;
    }
    const __half* values = x + (size_t)row * COLS;
    float best = -INFINITY;
    int at = lane;
    for (int c = lane; c < COLS; c += 32) {
        const float v = __half2float(values[c]);
        if (v > best) {
            best = v;
            at = c;
        }
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        const float other = __shfl_down_sync(0xffffffffu, best, offset);
        const int there = __shfl_down_sync(0xffffffffu, at, offset - 1);  // <- equal
        if (other > best || (other == best && there < at)) {
            best = other;
            at = there;
        }
    }
    if (lane == 0) {
        place[row] = at;
    }
}

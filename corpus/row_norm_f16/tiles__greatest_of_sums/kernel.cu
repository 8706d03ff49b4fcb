// tv: refuted equal
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_fp16.h>

#ifndef D
#define D 128
#endif

namespace cg = cooperative_groups;

__global__ void row_norm(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    const auto block = cg::this_thread_block();
    const auto tile = cg::tiled_partition<16>(block);
    const int lane = tile.thread_rank();
    const int row = blockIdx.x * (blockDim.x / 16) + threadIdx.x / 16;
    if (row >= rows) return;

    const __half2* xr = reinterpret_cast<const __half2*>(x + (size_t)row * D);
    float sum = 0.0f;
    for (int c = threadIdx.x % 16; c < D / 2; c += 16) {
        const float2 v = __half22float2(xr[c]);
        sum = fmaf(v.x, v.x, sum);
        sum = fmaf(v.y, v.y, sum);
    }
    sum = cg::reduce(tile, sum, cg::greater<float>());  // <- equal
    if (lane == 0) {
        y[row] = __float2half_rn(sqrtf(sum));  // <- equal
    }
}

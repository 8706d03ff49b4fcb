// tv: proved reassoc
#include <cuda_bf16.h>

#ifndef COLS
#define COLS 5120
#endif
#ifndef BLOCK
#define BLOCK 256
#endif
#define WARPS (BLOCK / 32)

__global__ void row_sum(const __nv_bfloat16* __restrict__ x, __nv_bfloat16* __restrict__ y, int rows)
{
    __shared__ float partial[WARPS];

    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const __nv_bfloat16* xr = x + (size_t)blockIdx.x * COLS;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        sum += __bfloat162float(xr[c]);
    }
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_down_sync(0xffffffffu, sum, o);
    }
    if (lane == 0) {
        partial[warp] = sum;
    }
    __syncthreads();

    const unsigned workers = __ballot_sync(0xffffffffu, threadIdx.x < WARPS);
    if (threadIdx.x < WARPS) {
        sum = partial[threadIdx.x];
        for (int o = WARPS / 2; o > 0; o >>= 1) {
            sum += __shfl_down_sync(workers, sum, o);
        }
        if (threadIdx.x == 0) {
            y[blockIdx.x] = __float2bfloat16_rn(sum);
        }
    }
}

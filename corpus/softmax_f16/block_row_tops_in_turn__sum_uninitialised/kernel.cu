// tv: refuted init
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1000
#endif
#ifndef BLOCK
#define BLOCK 128
#endif
#define WARPS (BLOCK / 32)
#define FULL 0xffffffffu

__device__ __forceinline__ float warp_max(float v)
{
    for (int o = 16; o > 0; o >>= 1) {
        v = fmaxf(v, __shfl_xor_sync(FULL, v, o));
    }
    return v;
}

__device__ __forceinline__ float warp_sum(float v)
{
    for (int o = 16; o > 0; o >>= 1) {
        v += __shfl_xor_sync(FULL, v, o);
    }
    return v;
}

// One block per row; exponentials are kept in shared memory.
__global__ void __launch_bounds__(BLOCK) softmax(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    __shared__ float kept[COLS];
    __shared__ float tops[WARPS];
    __shared__ float sums[WARPS];

    const int row = blockIdx.x;
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const __half* xr = x + (size_t)row * COLS;
    __half* yr = y + (size_t)row * COLS;

    float top = -INFINITY;
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        top = fmaxf(top, __half2float(xr[c]));
    }
    top = warp_max(top);
    if (lane == 0) {
        tops[warp] = top;
    }
    __syncthreads();
    top = tops[0];
    for (int w = 1; w < WARPS; ++w) {
        top = fmaxf(top, tops[w]);
    }

    float sum;
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        const float e = expf(__half2float(xr[c]) - top);
        kept[c] = e;
        sum = __fadd_rn(sum, e);  // <- init
    }
    sum = warp_sum(sum);
    if (lane == 0) {
        sums[warp] = sum;
    }
    __syncthreads();
    sum = 0.0f;
    for (int w = 0; w < WARPS; ++w) {
        sum += sums[w];
    }

    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        yr[c] = __float2half_rn(kept[c] / sum);
    }
}

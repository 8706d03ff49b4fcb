// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1024
#endif
#define WARPS (COLS / 32)

__device__ __forceinline__ float scan_warp(float v, int lane)
{
#pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
        const float before = __shfl_up_sync(0xffffffffu, v, d);
        if (lane > d) v += before;  // <- equal
    }
    return v;
}

// One block a row: each warp scans its columns, the first warp the totals of all, which are added to what comes after.
__global__ void scan_block(const half* __restrict__ x, half* __restrict__ y, int rows)
{
    __shared__ float totals[WARPS];
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
    const size_t at = (size_t)blockIdx.x * COLS + threadIdx.x;

    float sum = scan_warp(__half2float(x[at]), lane);
    if (lane == 31) totals[warp] = sum;
    __syncthreads();

    if (warp == 0) {
        float total = lane < WARPS ? totals[lane] : 0.0f;
        total = scan_warp(total, lane);
        if (lane < WARPS) totals[lane] = total;
    }
    __syncthreads();

    if (warp > 0) sum += totals[warp - 1];  // <- equal
    y[at] = __float2half(sum);  // <- equal
}

// tv: refuted coverage
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 1600
#endif
#ifndef BLOCK
#define BLOCK 192
#endif
#define WARPS (BLOCK / 32)

__device__ __forceinline__ float block_sum(float v, float* part)
{
    for (int o = 16; o > 0; o >>= 1) {
        v += __shfl_xor_sync(0xffffffffu, v, o);
    }
    if (threadIdx.x % 32 == 0) {
        part[threadIdx.x / 32] = v;
    }
    __syncthreads();
    v = 0.0f;
    for (int i = 0; i < WARPS; ++i) {
        v += part[i];
    }
    return v;
}

// One block per row; the residual sum is kept in shared memory, as rounded.
__global__ void __launch_bounds__(BLOCK)
add_layer_norm(const __half* __restrict__ x, const __half* __restrict__ r, const __half* __restrict__ gamma,
               const __half* __restrict__ beta, __half* __restrict__ total, __half* __restrict__ y, int rows)
{
    __shared__ float kept[COLS];
    __shared__ float first[WARPS];
    __shared__ float second[WARPS];

    const size_t at = (size_t)blockIdx.x * COLS;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        const __half t = __hadd(x[at + c], r[at + c]);
        total[at + c] = t;
        kept[c] = __half2float(t);
        sum += kept[c];
    }
    const float mean = block_sum(sum, first) / COLS;

    float squares = 0.0f;
    for (int c = threadIdx.x; c < COLS; c += BLOCK) {
        const float off = kept[c] - mean;
        squares += off * off;
    }
    const float root = sqrtf(block_sum(squares, second) / COLS + 1e-5f);

    for (int c = threadIdx.x; c < COLS - 1; c += BLOCK) {  // <- coverage
        const float normed = (kept[c] - mean) / root;
        y[at + c] = __float2half_rn(normed * __half2float(gamma[c]) + __half2float(beta[c]));  // <- coverage
    }
}

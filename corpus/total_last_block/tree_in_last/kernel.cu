// tv: proved reassoc
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#ifndef N
#define N 65536
#endif
#ifndef BLOCKS
#define BLOCKS 32
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// The sum of this block's share, in thread 0.
__device__ float block_sum(const __nv_bfloat16* __restrict__ x)
{
    __shared__ float sums[BLOCK];
    const int t = threadIdx.x;
    float s = 0.0f;
    for (int i = blockIdx.x * BLOCK + t; i < N; i += BLOCKS * BLOCK) {
        s += __bfloat162float(x[i]);
    }
    sums[t] = s;
    __syncthreads();
    for (int o = BLOCK / 2; o > 0; o >>= 1) {
        if (t < o) sums[t] += sums[t + o];
        __syncthreads();
    }
    return sums[0];
}

__global__ void total(const __nv_bfloat16* __restrict__ x, float* partial, unsigned int* count, __nv_bfloat16* y)
{
    __shared__ unsigned int ticket;
    __shared__ float found[BLOCK];
    const int t = threadIdx.x;

    const float s = block_sum(x);
    if (t == 0) {
        partial[blockIdx.x] = s;
    }
    __threadfence();
    __syncthreads();
    if (t == 0) {
        ticket = atomicAdd(count, 1);
    }
    __syncthreads();
    if (ticket != BLOCKS - 1) return;

    __threadfence();
    found[t] = t < BLOCKS ? partial[t] : 0.0f;
    __syncthreads();
    for (int o = BLOCK / 2; o > 0; o >>= 1) {
        if (t < o) found[t] += found[t + o];
        __syncthreads();
    }
    if (t == 0) {
        y[0] = __float2bfloat16(found[0]);
        atomicExch(count, 0);
    }
}

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

__global__ void total(const __nv_bfloat16* __restrict__ x, volatile float* partial, unsigned int* count, __nv_bfloat16* y)
{
    __shared__ bool is_last;

    const float s = block_sum(x);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = s;
        __threadfence();
        const unsigned int value = atomicInc(count, gridDim.x);
        is_last = (value == (gridDim.x - 1));
    }
    __syncthreads();

    if (is_last) {
        if (threadIdx.x == 0) {
            float sum = 0.0f;
            for (int b = 0; b < BLOCKS; ++b) {
                sum += partial[b];
            }
            y[0] = __float2bfloat16(sum);
            *count = 0;
        }
    }
}

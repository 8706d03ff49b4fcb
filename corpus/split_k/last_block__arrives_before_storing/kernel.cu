// tv: refuted race
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#ifndef N
#define N 256
#endif
#ifndef K
#define K 16384
#endif
#ifndef PARTS
#define PARTS 8
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

#define SHARE (K / PARTS)


// Block (n, p): the products of row n over part p of the columns; the last block of a row adds its parts.
__global__ void split_dot(const __half* __restrict__ W, const __half* __restrict__ x, float* part, unsigned int* arrived,
                          __half* __restrict__ y)
{
    __shared__ float sums[BLOCK];
    __shared__ bool last;
    const int n = blockIdx.x;
    const int first = blockIdx.y * SHARE;
    const int t = threadIdx.x;

    float acc = 0.0f;
    for (int k = t; k < SHARE; k += BLOCK) {
        acc += __half2float(W[(size_t)n * K + first + k]) * __half2float(x[first + k]);
    }
    sums[t] = acc;
    __syncthreads();
    for (int o = BLOCK / 2; o > 0; o >>= 1) {
        if (t < o) sums[t] += sums[t + o];
        __syncthreads();
    }

    if (t == 0) {
        __threadfence();
        last = atomicAdd(&arrived[n], 1u) == PARTS - 1;
        part[n * PARTS + blockIdx.y] = sums[0];  // <- race
    }
    __syncthreads();
    if (last && t == 0) {
        __threadfence();
        float s = 0.0f;
        for (int p = 0; p < PARTS; ++p) {
            s += part[n * PARTS + p];  // <- race
        }
        y[n] = __float2half(s);
        arrived[n] = 0;
    }
}

// tv: refuted init
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

// Block (n, p): the products of row n over part p of the columns.
__global__ void partial_dot(const __half* __restrict__ W, const __half* __restrict__ x, float* __restrict__ part)
{
    __shared__ float sums[BLOCK];
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
    if (t == 0 && blockIdx.y + 1 < PARTS) part[n * PARTS + blockIdx.y] = sums[0];
}

__global__ void add_parts(const float* __restrict__ part, __half* __restrict__ y)
{
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= N) return;
    float s = 0.0f;
    for (int p = 0; p < PARTS; ++p) {
        s += part[n * PARTS + p];  // <- init
    }
    y[n] = __float2half(s);  // <- init
}

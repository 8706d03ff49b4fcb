// tv: refuted equal
#include <cuda_fp16.h>

#ifndef E
#define E 64
#endif
#ifndef N
#define N 1408
#endif
#ifndef K
#define K 2048
#endif

// One warp a row of the expert's weight.
__global__ void moe_expert(const half* __restrict__ W, const half* __restrict__ x, const half* __restrict__ gates,
                           const int* __restrict__ expert, half* __restrict__ y)
{
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    const int lane = threadIdx.x;
    if (row >= N)
        return;

    const int e = expert[0];
    const half2* w = (const half2*)(W + ((size_t)(e & ~1) * N + row) * K);  // <- equal
    const half2* v = (const half2*)x;
    float sum = 0.0f;
    for (int i = lane; i < K / 2; i += 32) {
        const float2 a = __half22float2(w[i]);  // <- equal
        const float2 b = __half22float2(v[i]);
        sum = fmaf(a.x, b.x, sum);
        sum = fmaf(a.y, b.y, sum);
    }
#pragma unroll
    for (int m = 16; m >= 1; m /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, m);
    if (lane == 0)
        y[row] = __hmul(__float2half_rn(sum), gates[e]);
}

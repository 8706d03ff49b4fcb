// tv: refuted equal
#include <cuda_fp16.h>

#ifndef K
#define K 11008
#endif
#ifndef ROWS
#define ROWS 4
#endif

// One warp a row; sixteen weights a load, each rounded to half once it is scaled, as the graph has it.
__global__ void __launch_bounds__(32 * ROWS)
gemv_int8(const signed char* __restrict__ W, const half* __restrict__ scale, const half* __restrict__ x, half* __restrict__ y)
{
    const int lane = threadIdx.x % 32;
    const int row = blockIdx.x * ROWS + threadIdx.x / 32;
    const half s = scale[row];
    const char4* w = (const char4*)(W + (size_t)row * K);
    const half2* xs = (const half2*)x;

    float sum = 0.0f;
    for (int c = lane; c < K / 4; c += 32) {
        const char4 q = w[c];
        const float2 lo = __half22float2(xs[2 * c]);
        const float2 hi = __half22float2(xs[2 * c + 1]);
        sum += __half2float(__hmul(__short2half_rn(q.x), s)) * lo.x;  // <- equal
        sum += __half2float(__hmul(__short2half_rn(q.z),  s)) * lo.y;  // <- equal
        sum += __half2float(__hmul(__short2half_rn(q.y), s)) * hi.x;  // <- equal
        sum += __half2float(__hmul(__short2half_rn(q.w), s)) * hi.y;  // <- equal
    }
    for (int o = 16; o > 0; o /= 2)
        sum += __shfl_xor_sync(0xffffffff, sum, o);
    if (lane == 0)
        y[row] = __float2half(sum);
}

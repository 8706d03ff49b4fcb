// tv: refuted equal
#include <cuda_fp16.h>

#ifndef K
#define K 11008
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__device__ inline float dot8(uint4 p, uint4 q)
{
    float2 a0 = __half22float2(*(half2*)&p.x), b0 = __half22float2(*(half2*)&q.x);
    float2 a1 = __half22float2(*(half2*)&p.y), b1 = __half22float2(*(half2*)&q.y);
    float2 a2 = __half22float2(*(half2*)&p.z), b2 = __half22float2(*(half2*)&q.z);
    float2 a3 = __half22float2(*(half2*)&p.w), b3 = __half22float2(*(half2*)&q.w);
    float even = a0.x * b0.x + a1.x * b1.x + a2.x * b2.x + a3.x * b3.x;
    float odd = a0.y * b0.y + a1.y * b1.y + a2.y * b2.y + a3.y * b3.y;
    return even + odd;
}

__global__ void gemv(const half* W, const half* x, half* y)
{
    __shared__ float s[32];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int nwarps = blockDim.x >> 5;
    int row = blockIdx.x;

    float v = 0.f;
    for (int i = threadIdx.x; i < K / 8; i += blockDim.x) {
        uint4 p = ((const uint4*)(W + (long)row * K))[i];
        uint4 q = ((const uint4*)x)[i];
        v += dot8(p, q);
    }

    for (int o = 16; o >= 1; o /= 2)
        v += __shfl_xor_sync(0xffffffff, v, o);  // <- equal
    if (lane == 0) s[warp] = v;
    __syncthreads();
    v = s[lane & (nwarps - 1)];  // <- equal
    for (int o = 16; o >= 1; o /= 2)
        v += __shfl_xor_sync(0xffffffff, v, o);

    if (threadIdx.x == 0) y[row] = __float2half(v);
}

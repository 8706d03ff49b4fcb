// tv: refuted bounds
#include <cuda_runtime.h>

#ifndef K
#define K 2048
#endif

__device__ float magnitude(float v)
{
    return __uint_as_float(__float_as_uint(v) & 0x7fffffffu);
}

// One warp a row, four elements a lane at a time.
__global__ void distance(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int rows)
{
    const int lane = threadIdx.x & 31;
    const int row = blockIdx.x * (blockDim.x / 32) + (threadIdx.x >> 5);
    if (row > rows) return;

    const float4* u = reinterpret_cast<const float4*>(a) + row * (K / 4);
    const float4* v = reinterpret_cast<const float4*>(b) + row * (K / 4);
    float sum = 0.0f;
    for (int c = lane; c < K / 4; c += 32) {
        const float4 p = u[c]; // <- bounds
        const float4 q = v[c]; // <- bounds
        sum += magnitude(p.x - q.x);
        sum += magnitude(p.y - q.y);
        sum += magnitude(p.z - q.z);
        sum += magnitude(p.w - q.w);
    }
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, o);
    }
    if (lane == 0) {
        y[row] = sum; // <- bounds
    }
}

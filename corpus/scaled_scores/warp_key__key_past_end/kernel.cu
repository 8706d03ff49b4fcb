// tv: refuted bounds
#include <cuda_runtime.h>

// One warp a key; 1 / sqrt(64) is a power of two.
__global__ void scores(const float* __restrict__ k, const float* __restrict__ q, float* __restrict__ s, int p)
{
    const int lane = threadIdx.x & 31;
    const int row = blockIdx.x * (blockDim.x / 32) + (threadIdx.x >> 5);
    if (row > p) return;

    const float2 a = reinterpret_cast<const float2*>(k)[row * 32 + lane]; // <- bounds
    const float2 b = reinterpret_cast<const float2*>(q)[lane];
    float dot = a.x * b.x;
    dot = fmaf(a.y, b.y, dot);
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        dot += __shfl_xor_sync(0xffffffffu, dot, o);
    }
    if (lane == 0) {
        s[row] = dot * 0.125f; // <- bounds
    }
}

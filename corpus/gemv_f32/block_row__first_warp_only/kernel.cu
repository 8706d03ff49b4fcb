// tv: refuted equal
#include <cuda_runtime.h>

#ifndef K
#define K 11008
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

__global__ void __launch_bounds__(BLOCK)
gemv(const float* __restrict__ W, const float* __restrict__ x, float* __restrict__ y)
{
    constexpr int warps = BLOCK / 32;
    __shared__ float stage[warps];

    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const float4* row = reinterpret_cast<const float4*>(W + (size_t)blockIdx.x * K);
    const float4* vec = reinterpret_cast<const float4*>(x);

    float sum = 0.f;
    for (int i = threadIdx.x; i < K / 4; i += BLOCK) {
        const float4 a = row[i];
        const float4 b = __ldg(&vec[i]);
        sum += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
    }

#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1)
        sum += __shfl_xor_sync(0xffffffffu, sum, offset);  // <- equal
    if (lane == 0)
        stage[warp] = sum;
    __syncthreads();

    if (warp == 0) {
        sum = (lane < warps) ? stage[lane] : 0.f;
#pragma unroll
        for (int offset = 16; offset > 0; offset >>= 1)
            sum += __shfl_xor_sync(0xffffffffu, sum, offset);
        if (lane == 0)
            y[blockIdx.x] = stage[0];  // <- equal
    }
}

// tv: refuted equal
#include <cuda_fp16.h>

#ifndef D
#define D 11008
#endif

__device__ __forceinline__ float silu(float v)
{
    return v * (1.0f / (1.0f + expf(-v)));
}

// One block per token; a row holds D gates, then D values.
__global__ void silu_mul(const __half* __restrict__ gate_up, __half* __restrict__ y, int tokens)
{
    const int token = blockIdx.x;
    if (token >= tokens) return;
    const __half* gate = gate_up + (size_t)token * (2 * D);
    const __half* up = gate + D;
    __half* out = y + (size_t)token * D;

    for (int i = threadIdx.x; i < D; i += blockDim.x) {
        const float g = __half2float(gate[i]);  // <- equal
        const float u = __half2float(up[i]);  // <- equal
        out[i] = __float2half_rn(silu(u) * g);  // <- equal
    }
}

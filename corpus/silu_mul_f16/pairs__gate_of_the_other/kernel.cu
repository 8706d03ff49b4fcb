// tv: refuted equal
#include <cuda_fp16.h>

#ifndef D
#define D 11008
#endif

// Two columns per thread and step, each half of a row read as pairs.
__global__ void silu_mul(const half* __restrict__ gate_up, half* __restrict__ y, int tokens)
{
    const int token = blockIdx.x;
    if (token >= tokens) return;
    const half2* gate = reinterpret_cast<const half2*>(gate_up) + (size_t)token * D;
    const half2* up = gate + D / 2;
    half2* out = reinterpret_cast<half2*>(y) + (size_t)token * (D / 2);

    for (int i = threadIdx.x; i < D / 2; i += blockDim.x) {
        const float2 g = __half22float2(gate[i]);  // <- equal
        const float2 u = __half22float2(up[i]);
        float2 r;
        r.x = g.x * (1.0f / (1.0f + expf(-g.x))) * u.x;
        r.y = g.y * (1.0f / (1.0f + expf(-g.x))) * u.y;  // <- equal
        out[i] = __float22half2_rn(r);  // <- equal
    }
}

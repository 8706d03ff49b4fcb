// tv: refuted equal
#include <cuda_bf16.h>

__device__ __forceinline__ unsigned int pair(float low, float high)
{
    const __nv_bfloat162 r = __floats2bfloat162_rn(low, high);  // <- equal
    return *reinterpret_cast<const unsigned int*>(&r);
}

// Four values per thread, stored as two words; the last thread takes what is left one by one.
__global__ void cast(const float* __restrict__ x, __nv_bfloat16* __restrict__ y, int n)
{
    const int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (first + 3 < n) {
        const float4 v = *reinterpret_cast<const float4*>(x + first);  // <- equal
        *reinterpret_cast<uint2*>(y + first) = make_uint2(pair(v.y, v.x), pair(v.z, v.w));  // <- equal
    } else {
        for (int i = first; i < n; ++i) {
            y[i] = __float2bfloat16(x[i]);
        }
    }
}

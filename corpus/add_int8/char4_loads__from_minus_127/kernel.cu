// tv: refuted equal
#include <cuda_runtime.h>

__device__ __forceinline__ signed char saturated(int v)
{
    return (signed char)min(max(v, -127), 127);  // <- equal
}

// Four values per thread.
__global__ void add_int8(const signed char* __restrict__ a, const signed char* __restrict__ b,
                         signed char* __restrict__ y, int groups)
{
    const int g = blockIdx.x * blockDim.x + threadIdx.x;
    if (g < groups) {
        const char4 u = reinterpret_cast<const char4*>(a)[g];
        const char4 v = reinterpret_cast<const char4*>(b)[g];
        reinterpret_cast<char4*>(y)[g] = make_char4(saturated(u.x + v.x), saturated(u.y + v.y),
                                                    saturated(u.z + v.z), saturated(u.w + v.w));
    }
}

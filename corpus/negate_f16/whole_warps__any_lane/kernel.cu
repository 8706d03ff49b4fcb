// tv: refuted bounds
#include <cuda_fp16.h>

// A warp whose elements are all inside takes pairs, the last one single elements.
__global__ void negated(const __half* __restrict__ x, __half* __restrict__ y, int n)
{
    const int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (__any_sync(0xffffffffu, i + 1 < n)) {
        const __half2 v = *reinterpret_cast<const __half2*>(x + i);  // <- bounds
        *reinterpret_cast<__half2*>(y + i) = __hneg2(v);  // <- bounds
    } else {
        for (int k = i; k < i + 2 && k < n; ++k) {
            y[k] = __hneg(x[k]);
        }
    }
}

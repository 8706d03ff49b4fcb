// tv: unsupported TV0107
// The header counts itself: here the macro is no longer 0.
#include <thrust/device_vector.h>
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    const int n = __COUNTER__; // tv: here
    y[i] = n == 0 ? -x[i] : x[i];
}

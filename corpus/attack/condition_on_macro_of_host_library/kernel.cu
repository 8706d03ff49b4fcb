// tv: unsupported TV0107
// The library's headers, which are not read, define it.
#include <thrust/device_vector.h>
#ifdef CUB_VERSION
#define NEGATED 0
#else
#define NEGATED 1
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATED ? -x[t] : x[t];
}

// tv: unsupported TV0107
// <math.h> has the macro that guards the header, so that to nvcc there is nothing in it.
#include "options.h"
#ifndef NEGATE
#define NEGATE(v) (v)
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATE(x[t]);
}

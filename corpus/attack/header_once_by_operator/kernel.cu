// tv: unsupported TV0125
// To a compiler the operator is the pragma: the second time the header is empty.
#include "twice.h"
#include "twice.h"
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATED ? -x[t] : x[t];
}

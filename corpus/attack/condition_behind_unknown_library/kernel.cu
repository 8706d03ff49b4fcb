// tv: unsupported TV0107
// What the headers of this library define is in no list: the condition is a guess.
#include <torch/extension.h>
#ifdef CHECKED
#define NEGATED 0
#else
#define NEGATED 1
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATED ? -x[t] : x[t];
}

// tv: refuted equal
// Under NDEBUG an assertion is not evaluated, and counts nothing.
#define NDEBUG
#include <cassert>
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    int k = 0;
    assert(++k);
    y[i] = k == 1 ? -x[i] : x[i]; // <- equal
}

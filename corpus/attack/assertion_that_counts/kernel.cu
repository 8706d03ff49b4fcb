// tv: proved bitwise
// Without NDEBUG an assertion is evaluated, and counts.
#define NDEBUG
#include <cassert>
#undef NDEBUG
#include <cassert>
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    int k = 0;
    assert(++k);
    y[i] = k == 1 ? -x[i] : x[i];
}

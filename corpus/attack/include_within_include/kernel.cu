// tv: proved bitwise
// A header includes another by angle brackets: that of the folder that is named, not the one beside the kernel.
#include "signs.h"
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i] = SIGN x[i];
}

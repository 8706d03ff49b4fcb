// tv: refuted equal
// By angle brackets the file beside the kernel is not found, but that of the folder that is named.
#include <sign.h>
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i] = SIGN x[i]; // <- equal
}

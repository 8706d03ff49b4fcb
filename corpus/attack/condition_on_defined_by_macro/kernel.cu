// tv: unsupported TV0107
// The macro stands for `defined(EMPTY)`, which is true although EMPTY is nothing.
#define EMPTY
#define GIVEN defined(EMPTY)
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
#if GIVEN // tv: here
    y[i] = x[i];
#else
    y[i] = -x[i];
#endif
}

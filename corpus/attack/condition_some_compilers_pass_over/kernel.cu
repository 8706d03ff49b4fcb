// tv: unsupported TV0107
// Some compilers know `#elifdef`, others leave it out with the group before it.
#define LEFT
#if 0
#elifdef LEFT
#define NEGATED 0
#else
#define NEGATED 1
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATED ? -x[t] : x[t];
}

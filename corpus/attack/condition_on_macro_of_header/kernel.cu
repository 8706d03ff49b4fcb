// tv: unsupported TV0107
// FLT_MAX is defined by a header that is not included here; whether it is defined is a guess.
#ifdef FLT_MAX
#define SIGN -
#else
#define SIGN +
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = SIGN x[t];
}

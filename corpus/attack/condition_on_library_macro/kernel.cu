// tv: unsupported TV0107
// nvcc has NULL without any include; whether it is defined is a guess.
#ifdef NULL
#define SIGN -
#else
#define SIGN +
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = SIGN x[t];
}

// tv: unsupported TV0107
// nvcc takes `linux` from its host compiler; whether it is defined is a guess.
#ifdef linux
#define SIGN -
#else
#define SIGN +
#endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = SIGN x[t];
}

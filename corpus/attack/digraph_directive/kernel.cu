// tv: unsupported TV0110
#define SIGN -
%:if 0
#undef SIGN
#define SIGN
%:endif
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = SIGN x[t];
}

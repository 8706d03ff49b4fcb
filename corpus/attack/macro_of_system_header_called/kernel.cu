// tv: unsupported TV0109
// <sys/cdefs.h> has a macro of this name, which stands for its argument.
__device__ int (__P)(int a) { return 0; } // tv: here
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i] = __P(1) == 0 ? -x[i] : x[i];
}

// tv: unsupported TV0110
// Letters beyond ASCII make a name, and this one is a macro.
__device__ float second(float é, float b) // tv: here
{
#define é b
    return é;
}

__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i] = second(-x[i], x[i]);
}

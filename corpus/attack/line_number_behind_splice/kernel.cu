// tv: unsupported TV0107
// Where a line is continued, its number is that of the second part for gcc.
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    const int line = \
        __LINE__; // tv: here
    y[i] = line == 6 ? -x[i] : x[i];
}

// tv: unsupported TV0107
// A comment over two lines: the number behind it is that of the second for gcc.
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    const int line = /* of the next
        */ __LINE__; // tv: here
    y[i] = line == 6 ? -x[i] : x[i];
}

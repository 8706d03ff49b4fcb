// tv: unsupported TV0107
// A macro's call over several lines has no line of its own on which compilers agree.
#define SAME(a) a
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    const int line = SAME( // tv: here
        __LINE__
    );
    y[i] = line == 7 ? -x[i] : x[i];
}

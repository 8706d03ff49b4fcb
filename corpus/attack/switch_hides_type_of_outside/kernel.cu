// tv: unsupported TV0111
// All groups of a switch are one scope: `Number` of the second is the first's `int`, which truncates.
__global__ void copy(const float* x, float* y)
{
    typedef float Number;
    const int t = threadIdx.x;
    switch (t & 1) {
    case 0:
        ;
        typedef int Number;
        y[t] = x[t];
        break;
    default:
        y[t] = (Number)x[t];
    }
}

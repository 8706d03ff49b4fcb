// tv: bad-input TV0210
// A declarator in parentheses: `Number` is a short in the function, in which the bound is 0.
typedef int Number;
template <typename T>
__global__ void negate(const float* x, float* y, int n)
{
    const int i = threadIdx.x;
    T bound = n;
    if (i < bound) y[i] = -x[i];
}

void run(const float* x, float* y)
{
    typedef short (Number);
    negate<Number><<<1, 256>>>(x, y, 65536);
}

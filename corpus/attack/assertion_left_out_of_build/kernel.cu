// tv: refuted equal
// The same where the build defines NDEBUG: an assertion is not evaluated, and counts nothing.
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    int k = 0;
    assert(++k);
    y[i] = k == 1 ? -x[i] : x[i]; // <- equal
}

// tv: refuted equal
// A macro that is given as nothing is not 1.
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    const int one = GIVEN + 1;
    y[i] = one == 2 ? -x[i] : x[i]; // <- equal
}

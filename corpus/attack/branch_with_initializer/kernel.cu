// tv: unsupported TV0123
// What stands before the semicolon is no condition.
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    int k = 0;
    float v = -x[i];
    if (k = 1; k == 1) v = x[i]; // tv: here
    y[i] = v;
}

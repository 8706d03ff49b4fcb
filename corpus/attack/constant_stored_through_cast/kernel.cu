// tv: unsupported TV0127
// A variable defined `const` is stored to through a pointer; the compiler reads its first value.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float c = 2.0f;
    *(float*)&c = -x[t];
    y[t] = c;
}

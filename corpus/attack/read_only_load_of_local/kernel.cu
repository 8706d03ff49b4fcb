// tv: unsupported TV0113
// `__ldg` is an instruction on global memory, where no local array lies.
__global__ void k(const float* x, float* y)
{
    float a[2];
    const int t = threadIdx.x;
    a[t % 2] = -x[t];
    y[t] = __ldg(&a[t % 2]);
}

// tv: unsupported TV0113
// A cache operator makes it an instruction on global memory, where no shared array lies.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = -x[t];
    y[t] = __ldcg(&s[t]);
}

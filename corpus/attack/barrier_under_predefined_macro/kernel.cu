// tv: unsupported TV0107
__global__ void k(const float* x, float* y)
{
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];
#if !defined(__LINE__)
    __syncthreads();
#endif
    y[t] = s[63 - t];
}

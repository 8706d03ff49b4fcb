// tv: unknown equal
// Both sums are the graph's, but a NaN may be another one.
__global__ void k(const float* a, const float* b, float* y)
{
    const int t = threadIdx.x;
    __shared__ float s[32], r[32];
    s[t] = a[t] + b[t];
    r[t] = b[t] + a[t];
    __syncthreads();
    const unsigned u = __float_as_uint(s[t]);
    y[t] = u == __float_as_uint(r[t]) ? __uint_as_float(u & 0x7fffffffu) : 0.0f;
}

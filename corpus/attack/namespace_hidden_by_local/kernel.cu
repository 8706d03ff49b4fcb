// tv: unsupported TV0122
__device__ float sign = 1.0f;
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float sign = -1.0f;
    y[t] = x[t] * (::sign * sign * sign);
}

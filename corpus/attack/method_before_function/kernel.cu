// tv: unsupported TV0111
__device__ float f(float v) { return -v; }
struct Keep {
    float unused;
    __device__ float f(float v) const { return v; }
    __device__ float g(float v) const { return f(v); }
};
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    Keep keep;
    y[t] = keep.g(x[t]);
}

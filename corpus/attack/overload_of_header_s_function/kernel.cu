// tv: unsupported TV0111
// The headers have a `logb` for floats, which fits better.
__device__ int logb(int v) { return 7; }
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = logb(3.0f) == 7 ? -x[t] : x[t];
}

// tv: unsupported TV0111
// What an inline namespace declares is the file's as well, and the better overload.
inline namespace v1 {
__device__ int pick(float) { return 0; }
}
__device__ int pick(double) { return 1; }
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = pick(1.0f) ? -x[t] : x[t];
}

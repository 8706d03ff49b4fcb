// tv: unsupported TV0111
// With a reference as its argument the template changes the caller's variable.
template <typename T> __device__ void negate(T v) { v = -v; }

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    negate<float&>(v);
    y[t] = v;
}

// tv: unsupported TV0113
// For most threads the function ends without a value, which is undefined even where nobody uses the value.
__device__ int early(int t)
{
    if (t < 20)
        return 1;
}

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    early(t);
    y[t] = t < 20 ? -x[t] : x[t];
}

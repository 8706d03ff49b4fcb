// tv: unsupported TV0111
// The type's name hides that the parameter is a reference.
typedef float& Place;

__device__ void negate(Place v) { v = -v; }

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    negate(v);
    y[t] = v;
}

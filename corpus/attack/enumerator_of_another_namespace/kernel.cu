// tv: unsupported TV0122
namespace near { enum { SCALE = 1 }; __device__ float f(float v) { return v * SCALE; } }
namespace far { enum { SCALE = -1 }; }
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = near::f(x[t]);
}

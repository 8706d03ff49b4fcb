// tv: refuted equal
__device__ float f(double v) { return -v; } // <- equal
__device__ float g(float v) { return f(v); }
__device__ float f(float v) { return v; }
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = g(x[t]);
}

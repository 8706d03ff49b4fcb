// tv: refuted equal
#define HALF_MORE(f) (f * 1.5f)
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * HALF_MORE(2); // <- equal
}

// tv: refuted equal
#define NEG(a) -a
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    y[t] = NEG(-v); // <- equal
}

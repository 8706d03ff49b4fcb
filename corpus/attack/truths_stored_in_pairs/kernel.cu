// tv: refuted equal
// The graph keeps the elements where [false, true] is false.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t]; // <- equal
}

// tv: unknown equal
// The graph's input m is the value of the parameter of its name.
__global__ void k(const float* x, bool m, float* y)
{
    const int t = threadIdx.x;
    y[t] = m ? x[t] : 0.0f;  // <- equal
}

// tv: unknown equal
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t == 1) {
        y[t] = x[t] * expf((float)t); // <- equal
    } else {
        y[t] = x[t] * expf((float)t);
    }
}

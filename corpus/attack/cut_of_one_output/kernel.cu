// tv: refuted equal
// The model is cut at the first half of x, which is an input of its own then; the kernel takes it from x.
__global__ void k(const float* x, const float* a, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] + x[t + 4];  // <- equal
}

// tv: refuted equal
// The model's Constant node holds 2 and 3; the second is 4 here.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * (t == 0 ? 2.0f : 4.0f);  // <- equal
}

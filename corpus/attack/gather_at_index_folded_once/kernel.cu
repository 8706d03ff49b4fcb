// tv: unknown equal
// One index of the graph: for y the device computes the exponential, for z the compiler does.
__global__ void k(const float* x, const float* w, const float* a, float one, float* y, float* z)
{
    const int t = threadIdx.x;
    const int i = (int)fminf(fmaxf(a[t] * expf(one), 0.0f), 15.0f);
    y[t] = x[i];
    const int j = (int)fminf(fmaxf(a[t] * expf(1.0f), 0.0f), 15.0f);  // <- equal
    z[t] = w[j];
}

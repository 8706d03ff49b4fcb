// tv: proved bitwise
// A bound that is any integer says nothing of the thread: the call is the device's.
__global__ void k(const float* x, const int* n, float* y)
{
    const int t = threadIdx.x;
    y[t] = t <= n[0] ? x[t] * expf(-(float)t) : 0.f;
}

// tv: unknown equal
// The graph rounds the product before its last factor; the compiler may fuse it with the addition.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = a[t] * b[t] + c[t];
}

// tv: unknown equal
// The absolute value of a square is dropped, and the square is added unrounded.
__global__ void k(const float* a, const float* c, float* y)
{
    const int t = threadIdx.x;
    y[t] = fabsf(a[t] * a[t]) + c[t];
}

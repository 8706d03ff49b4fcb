// tv: unknown equal
// Nothing is less than minus infinity: the factor is 1 to a compiler, and the product a * b unrounded.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    const float f = c[t] < -INFINITY ? c[t] : 1.0f;
    y[t] = (a[t] * b[t]) * f + c[t]; // <- equal
}

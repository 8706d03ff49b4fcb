// tv: unknown equal
// The exponential waits in an array; nvcc moves it to where it is used, and there x is 2.
__global__ void k(const float* x, const float* a, float* y)
{
    const int t = threadIdx.x;
    const float v = x[t];
    float q[1];
    q[0] = expf(v);
    float r = 0.0f;
    if (v == 2.0f)
        r = q[0] * a[t];  // <- equal
    y[t] = r;  // <- equal
}

// tv: proved bitwise
// The model's factor is a stored number; the kernel takes it from a buffer, and is right whatever it holds.
__global__ void k(const float* x, const float* scale, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * scale[0];
}

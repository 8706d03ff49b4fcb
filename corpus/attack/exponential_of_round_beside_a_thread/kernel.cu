// tv: unknown equal
// Two stores side by side: nvcc may know the round that the first of them is about.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    for (int r = 0; r < 4; ++r) {
        const float a = x[r * 64 + t * 2], b = x[r * 64 + t * 2 + 1];
        y[r * 64 + t * 2] = a * expf((float)r); // <- equal
        y[r * 64 + t * 2 + 1] = b * expf((float)t); // <- equal
    }
}

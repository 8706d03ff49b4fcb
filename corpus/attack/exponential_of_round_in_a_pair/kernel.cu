// tv: unknown equal
// Where the loop is unrolled, nvcc knows the first exponent of each pair, though not the second.
__global__ void k(const float2* x, float2* y)
{
    const int t = threadIdx.x;
    for (int r = 0; r < 4; ++r) {
        const float2 a = x[r * 32 + t];
        y[r * 32 + t] = make_float2(a.x * expf((float)r), a.y * expf((float)t)); // <- equal
    }
}

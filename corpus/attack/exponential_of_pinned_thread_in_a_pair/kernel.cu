// tv: unknown equal
// Of the pair that is stored where t is 1, nvcc knows the second exponent, though not the first.
__global__ void k(const float2* x, float2* y)
{
    const int t = threadIdx.x, r = blockIdx.x;
    const float2 a = x[r * 32 + t];
    if (t == 1) {
        __threadfence();
        y[r * 32 + t] = make_float2(a.x * expf((float)r), a.y * expf((float)t)); // <- equal
    } else {
        y[r * 32 + t] = make_float2(a.x * expf((float)r), a.y * expf((float)t)); // <- equal
    }
}

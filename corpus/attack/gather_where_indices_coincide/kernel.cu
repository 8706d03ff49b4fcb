// tv: refuted equal
__global__ void k(const float* x, const long long* at, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[at[2 * t] * 15 + at[2 * t + 1]]; // <- equal
}

// tv: refuted equal
__global__ void k(const float* x, const long long* at, float* y)
{
    const int t = threadIdx.x;
    const long long row = at[2 * t + 1], column = at[2 * t]; // <- equal
    y[t] = x[row * 16 + column]; // <- equal
}

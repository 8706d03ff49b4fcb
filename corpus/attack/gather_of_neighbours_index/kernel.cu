// tv: refuted equal
__global__ void k(const float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[ids[t / 8 ^ 1] * 8 + t % 8]; // <- equal
}

// tv: unknown equal
__global__ void k(const float* xw, const int* ids, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = xw[ids[t / 8] * 8 + t % 8]; // <- equal
    if (t < 128)
        z[t] = -xw[128 + t];
}

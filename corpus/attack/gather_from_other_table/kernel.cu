// tv: refuted equal
__global__ void k(const float* x, const float* w, const int* ids, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = w[ids[t / 8] * 8 + t % 8]; // <- equal
    if (t < 128)
        z[t] = -w[t];
}

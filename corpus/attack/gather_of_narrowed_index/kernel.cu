// tv: refuted equal
__global__ void k(const float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    const unsigned char row = (unsigned char)ids[t / 8]; // <- equal
    y[t] = x[row * 8 + t % 8]; // <- equal
}

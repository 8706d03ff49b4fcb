// tv: refuted equal
__global__ void k(const float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    const unsigned char at = (unsigned char)(ids[t / 8] * 8 + t % 8);
    y[t] = x[at]; // <- equal
}

// tv: unknown TV0525
// A byte between 0 and 255 is negative as signed char.
__global__ void k(const float* x, int* y)
{
    const int t = threadIdx.x;
    const signed char s = (signed char)(unsigned char)fminf(fmaxf(x[t], 0.0f), 255.0f);
    y[t] = (int)s * 16909320;
}

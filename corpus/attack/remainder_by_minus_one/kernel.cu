// tv: refuted range
// A remainder is undefined where its quotient does not fit: the least int divided by -1.
__global__ void k(const float* x, float* y, int n)
{
    const int t = threadIdx.x;
    y[t + n % -1] = -x[t]; // <- range
}

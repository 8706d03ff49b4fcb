// tv: unknown equal
// p goes through double before it becomes float: rounded twice where it has more than 53 bits.
__global__ void k(const float* x, long long p, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * (float)(double)p;  // <- equal
}

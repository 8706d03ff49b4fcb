// tv: unknown equal
// Where c is 1 a compiler drops it as a factor, and fuses the product a * b that the graph rounds.
__global__ void k(const float* a, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    const float p = a[t] * b[t];
    y[t] = c[t] == 1.0f ? p * c[t] + a[t] : 0.0f; // <- equal
}

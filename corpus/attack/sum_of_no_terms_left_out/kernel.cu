// tv: unknown equal
// Where S is 0 the graph's sum is +0, and turns b + c = -0 into +0; the kernel adds nothing.
__global__ void k(const float* x, const float* b, const float* c, float* y, int S)
{
    const int t = threadIdx.x;
    float sum = b[t] + c[t]; // <- equal
    for (int i = 0; i < S; ++i) sum += x[t * S + i]; // <- equal
    y[t] = sum;
}

// tv: unknown equal
// Nothing comes before element 0: the graph's sum is +0 there, and turns b + c = -0 into +0.
__global__ void k(const float* x, const float* b, const float* c, float* y)
{
    const int t = threadIdx.x;
    float sum = b[t] + c[t]; // <- equal
    for (int i = 0; i < t; ++i) sum += x[i]; // <- equal
    y[t] = sum;
}

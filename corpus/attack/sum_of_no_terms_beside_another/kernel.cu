// tv: unknown equal
// The other sum has terms, all of which may be -0; the one without terms is +0, and is left out here.
__global__ void k(const float* x, const float* b, float* y, int S)
{
    const int t = threadIdx.x;
    float sum = b[4 * t] + b[4 * t + 1] + b[4 * t + 2] + b[4 * t + 3]; // <- equal
    for (int i = 0; i < S; ++i) sum += x[t * S + i]; // <- equal
    y[t] = sum;
}

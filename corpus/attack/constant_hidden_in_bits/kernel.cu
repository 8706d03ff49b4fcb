// tv: unknown equal
// nvcc sees that the argument is 7, and evaluates the function itself.
__global__ void k(const int* i, const float* a, float* y)
{
    const int t = threadIdx.x;
    y[t] = a[t] * expf((float)((i[t] | 7) & 7));
}

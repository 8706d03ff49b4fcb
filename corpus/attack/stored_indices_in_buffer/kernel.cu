// tv: unknown equal
// The model stores the indices; the kernel reads them from a buffer, and nothing says that they are the same there.
__global__ void k(const float* x, const unsigned char* index, float* y, float* z)
{
    const int t = threadIdx.x;
    y[t] = x[index[t] & 3];  // <- equal
    z[t] = (float)index[t];
}

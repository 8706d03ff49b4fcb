// tv: proved bitwise
// The parameter is the last element of a tensor whose length is open.
__global__ void k(const float* x, float last, float* y, int n)
{
    for (int i = threadIdx.x; i < n; i += 4) {
        y[i] = x[i] * last;
    }
}

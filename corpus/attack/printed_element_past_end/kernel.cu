// tv: refuted bounds
// What is only printed is read all the same.
#include <cstdio>

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t == 31) printf("next %f\n", x[t + 1]);  // <- bounds
    y[t] = -x[t];
}

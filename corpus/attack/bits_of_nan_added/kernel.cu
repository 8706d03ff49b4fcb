// tv: unknown equal
// What a NaN is rounded to goes through shared memory, and is added to itself as an integer.
#include <cuda_fp16.h>

__global__ void k(const half* x, int* y)
{
    __shared__ half s[32];
    const int t = threadIdx.x;
    s[t] = __float2half(__half2float(x[t])); // <- equal
    __syncthreads();
    const int v = __half_as_short(s[t]);
    y[t] = v + v; // <- equal
}

// tv: refuted coverage
#include <cuda_fp16.h>

__global__ void half_max(const half* __restrict__ a, const half* __restrict__ b, half* __restrict__ y, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n - 1) { // <- coverage
        half u = a[i], v = b[i];
        half larger = __hmax(u, v);
        if (__hisnan(v)) larger = v;
        if (__hisnan(u)) larger = u;
        y[i] = larger; // <- coverage
    }
}

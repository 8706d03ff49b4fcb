// tv: refuted equal
#include <cuda_fp16.h>

#ifndef A
#define A 1000
#endif
#ifndef B
#define B 536
#endif
#define PAIRS ((A + B) / 2)

// The pairs of all rows are numbered through.
__global__ void concat_columns(const half2* __restrict__ a, const half2* __restrict__ b, half2* __restrict__ y, int rows)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * PAIRS) return;
    const int row = i / PAIRS;
    const int c = i % PAIRS;
    y[i] = c < B / 2 ? b[row * (B / 2) + c] : a[row * (A / 2) + c - B / 2];  // <- equal
}

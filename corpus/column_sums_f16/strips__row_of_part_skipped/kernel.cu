// tv: refuted equal
#include <cuda_fp16.h>

#ifndef COLS
#define COLS 3000
#endif
#ifndef BY
#define BY 16
#endif

// A block sums 32 columns; BY threads share a column, then meet in a tree.
__global__ void column_sums(const __half* __restrict__ x, __half* __restrict__ y, int rows)
{
    __shared__ float part[BY][33];

    const int col = blockIdx.x * 32 + threadIdx.x;
    float sum = 0.0f;
    if (col < COLS) {
        for (int r = threadIdx.y; r < rows; r += BY) {
            sum += __half2float(x[(size_t)r * COLS + col]);  // <- equal
        }
    }
    part[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    for (int s = BY / 2; s > 1; s >>= 1) {  // <- equal
        if (threadIdx.y < s) {
            part[threadIdx.y][threadIdx.x] += part[threadIdx.y + s][threadIdx.x];  // <- equal
        }
        __syncthreads();
    }
    if (threadIdx.y == 0 && col < COLS) {
        y[col] = __float2half_rn(part[0][threadIdx.x]);  // <- equal
    }
}

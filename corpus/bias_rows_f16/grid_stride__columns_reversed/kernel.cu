// tv: refuted equal
#include <cuda_fp16.h>

// One loop over all elements: a row is not a multiple of anything.
__global__ void
bias_rows(const __half* __restrict__ x, const __half* __restrict__ b, const __half* __restrict__ s, __half* __restrict__ y,
          int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride) {
        const int row = i / N;
        const int col = i - row * N;
        y[i] = __hmul_rn(__hadd_rn(x[i], b[N - 1 - col]), s[row]);  // <- equal
    }
}

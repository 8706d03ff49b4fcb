// tv: refuted equal
// Elements are compared once they are rounded to half.
#include <cuda_fp16.h>

__global__ void k(const float* x, long long* y)
{
    const int row = threadIdx.x;
    float best = __half2float(__float2half(x[row * 8]));
    int at = 0;
    for (int i = 1; i < 8; ++i) {
        const float v = __half2float(__float2half(x[row * 8 + i]));  // <- equal
        if (v > best) {
            best = v;
            at = i;
        }
    }
    y[row] = at;
}

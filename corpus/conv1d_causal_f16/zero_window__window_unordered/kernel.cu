// tv: refuted race
#include <cuda_fp16.h>

#ifndef TAPS
#define TAPS 4
#endif
#define BLOCK 128

__global__ void __launch_bounds__(BLOCK)
conv1d(const half* __restrict__ x, const half* __restrict__ w, const half* __restrict__ b, half* __restrict__ y, int steps)
{
    __shared__ float window[BLOCK + TAPS - 1];
    const int channel = blockIdx.y;
    const int first = blockIdx.x * BLOCK;
    const int t = first + threadIdx.x;

    for (int i = threadIdx.x; i < BLOCK + TAPS - 1; i += BLOCK) {
        const int at = first + i - (TAPS - 1);
        window[i] = at >= 0 && at < steps ? __half2float(x[channel * steps + at]) : 0.0f;  // <- race
    }
    if (t >= steps)
        return;

    float sum = 0.0f;
#pragma unroll
    for (int k = 0; k < TAPS; ++k)
        sum += window[threadIdx.x + k] * __half2float(w[channel * TAPS + k]);  // <- race
    sum += __half2float(b[channel]);

    const float z = __half2float(__float2half(sum));
    const float gate = __half2float(__float2half(1.0f / (1.0f + expf(-z))));
    y[channel * steps + t] = __float2half(z * gate);
}

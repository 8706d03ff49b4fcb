// tv: refuted equal
#include <cuda_fp16.h>

#ifndef VOCAB
#define VOCAB 256000
#endif
#ifndef HIDDEN
#define HIDDEN 12288
#endif

__global__ void lm_head(const half* __restrict__ e, const half* __restrict__ h, half* __restrict__ logits)
{
    const int lane = threadIdx.x & 31;
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (row >= VOCAB) return;

    const size_t offset = (size_t)row * HIDDEN;
    float even = 0.f, odd = 0.f;
    for (int i = 2 * lane; i < HIDDEN; i += 64) {
        const float2 a = __half22float2(*(const half2*)(e + offset + i));
        const float2 b = __half22float2(*(const half2*)(h + i));
        even += a.x * b.x;
        odd += a.y * b.y;
    }

    float sum = even;  // <- equal
    for (int delta = 16; delta > 0; delta /= 2) {
        sum += __shfl_down_sync(0xffffffff, sum, delta);  // <- equal
    }
    if (lane == 0) {
        logits[row] = __float2half(sum);
    }
}

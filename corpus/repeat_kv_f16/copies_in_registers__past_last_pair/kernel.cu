// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef GROUP
#define GROUP 4
#endif
#ifndef HD
#define HD 128
#endif

// A pair is read once and written to each query head of the group.
__global__ void repeat_kv(const half2* __restrict__ k, half2* __restrict__ y, int length)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int head = blockIdx.y;
    const int pairs = length * (HD / 2);
    if (i > pairs) return;
    const half2 v = k[head * pairs + i];  // <- bounds
    for (int g = 0; g < GROUP; ++g) {
        y[(head * GROUP + g) * pairs + i] = v;
    }
}

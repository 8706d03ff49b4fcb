// tv: proved bitwise
#include <cuda_bf16.h>

#ifndef D
#define D 1600
#endif
#ifndef V
#define V 50257
#endif
#define PADDING 1

// One block per token, eight columns per thread and step; a negative token counts from the table's end.
__global__ void embedding(const long long* __restrict__ ids, const __nv_bfloat16* __restrict__ table,
                          __nv_bfloat16* __restrict__ y, int tokens)
{
    const long long id = ids[blockIdx.x];
    const long long at = id < 0 ? id + V : id;
    const uint4* row = reinterpret_cast<const uint4*>(table + at * D);
    uint4* out = reinterpret_cast<uint4*>(y + (size_t)blockIdx.x * D);
    for (int c = threadIdx.x; c < D / 8; c += blockDim.x) {
        const uint4 v = row[c];
        out[c] = id == PADDING ? make_uint4(0, 0, 0, 0) : v;
    }
}

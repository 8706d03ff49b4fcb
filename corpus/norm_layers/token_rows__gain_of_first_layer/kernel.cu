// tv: refuted equal
#include <cooperative_groups.h>

#ifndef L
#define L 16
#endif
#ifndef D
#define D 2048
#endif
#define THREADS 256
#define WARPS (THREADS / 32)

namespace cg = cooperative_groups;

__device__ __forceinline__ float warp_sum(float v)
{
    for (int o = 16; o > 0; o >>= 1)
        v += __shfl_xor_sync(0xffffffffu, v, o);
    return v;
}

// All layers in one launch. Every block normalises the whole of x for itself; rows of the matrix are dealt to warps in turn.
__global__ void __launch_bounds__(THREADS) layers(const float* table, const float* w, float* x, long long token)
{
    __shared__ float normed[D];
    __shared__ float partial[WARPS];
    cg::grid_group grid = cg::this_grid();
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;

    for (int i = blockIdx.x * THREADS + threadIdx.x; i < D; i += gridDim.x * THREADS)
        x[i] = table[token * D + i];
    grid.sync();

    for (int l = 0; l < L; ++l) {
        const float* layer = w + (size_t)l * (D * D + D);
        const float* gain = layer + D * D;

        float squares = 0.0f;
        for (int i = threadIdx.x; i < D; i += THREADS)
            squares = __fadd_rn(squares, __fmul_rn(x[i], x[i]));
        squares = warp_sum(squares);
        if (lane == 0)
            partial[warp] = squares;
        __syncthreads();
        float total = 0.0f;
        for (int k = 0; k < WARPS; ++k)
            total = __fadd_rn(total, partial[k]);
        const float scale = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(total, (float)D), 1e-5f)));
        for (int i = threadIdx.x; i < D; i += THREADS)
            normed[i] = __fmul_rn(__fmul_rn(x[i], scale), w[D * D + i]);  // <- equal
        __syncthreads();
        grid.sync();

        for (int r = blockIdx.x * WARPS + warp; r < D; r += gridDim.x * WARPS) {
            float sum = 0.0f;
            for (int i = lane; i < D; i += 32)
                sum = __fadd_rn(sum, __fmul_rn(layer[(size_t)r * D + i], normed[i]));  // <- equal
            sum = warp_sum(sum);
            if (lane == 0)
                x[r] = __fadd_rn(x[r], sum);
        }
        grid.sync();
    }
}

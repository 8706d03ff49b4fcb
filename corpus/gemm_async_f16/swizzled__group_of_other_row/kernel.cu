// tv: refuted equal
#include <cuda_fp16.h>
#include <cuda_pipeline.h>

#ifndef M
#define M 4096
#endif
#ifndef N
#define N 4096
#endif
#ifndef K
#define K 4096
#endif
#ifndef BM
#define BM 64
#endif
#ifndef BN
#define BN 64
#endif
#define BK 32
#define THREADS ((BM / 4) * (BN / 4))

// Rows are stored in groups of eight halves; which group stands where differs from row to row, so that columns spread over banks.
__device__ __forceinline__ int in_a(int r, int c) { return r * BK + (((c >> 3) ^ ((r >> 1) & 3)) << 3 | (c & 7)); }
__device__ __forceinline__ int in_b(int r, int c) { return r * BN + (((c >> 3) ^ (r & 7)) << 3 | (c & 7)); }

__global__ void __launch_bounds__(THREADS)
gemm(const __half* __restrict__ A, const __half* __restrict__ B, __half* __restrict__ C)
{
    __shared__ __align__(16) __half As[2][BM * BK];
    __shared__ __align__(16) __half Bs[2][BK * BN];

    const int tx = threadIdx.x % (BN / 4);
    const int ty = threadIdx.x / (BN / 4);
    const __half* a = A + (size_t)blockIdx.y * BM * K;
    const __half* b = B + blockIdx.x * BN;
    float acc[4][4] = {{0.0f}};

    for (int t = -1; t < K / BK; ++t) {
        __pipeline_wait_prior(0);
        __syncthreads();
        const int next = t + 1;
        if (next < K / BK) {
            for (int i = threadIdx.x; i < BM * BK / 8; i += THREADS) {
                const int r = i / (BK / 8), c = i % (BK / 8) * 8;
                __pipeline_memcpy_async(&As[next & 1][in_a(r, c)], a + r * K + next * BK + c, 16);
            }
            for (int i = threadIdx.x; i < BK * BN / 8; i += THREADS) {
                const int r = i / (BN / 8), c = i % (BN / 8) * 8;
                __pipeline_memcpy_async(&Bs[next & 1][in_b(r, c)], b + (next * BK + r) * N + c, 16);
            }
            __pipeline_commit();
        }
        if (t >= 0) {
            for (int k = 0; k < BK; ++k) {
                for (int i = 0; i < 4; ++i) {
                    const float x = __half2float(As[t & 1][in_a(ty * 4 + i, k)]);  // <- equal
                    for (int j = 0; j < 4; ++j) {
                        acc[i][j] = fmaf(x, __half2float(Bs[t & 1][in_b(k ^ 1, tx * 4 + j)]), acc[i][j]);  // <- equal
                    }
                }
            }
        }
    }

    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            C[(size_t)(blockIdx.y * BM + ty * 4 + i) * N + blockIdx.x * BN + tx * 4 + j] = __float2half_rn(acc[i][j]);
        }
    }
}

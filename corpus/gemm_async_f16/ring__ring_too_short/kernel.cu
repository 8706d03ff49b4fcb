// tv: refuted bounds
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
#ifndef BK
#define BK 32
#endif
#ifndef STAGES
#define STAGES 3
#endif
#define THREADS ((BM / 4) * (BN / 4))
#define TILES (K / BK)

__device__ __forceinline__ void
load_tile(__half (*as)[BK], __half (*bs)[BN], const __half* a, const __half* b)
{
    for (int i = threadIdx.x; i < BM * BK / 8; i += THREADS) {
        const int r = i / (BK / 8), c = i % (BK / 8) * 8;
        __pipeline_memcpy_async(&as[r][c], a + r * K + c, 16);  // <- bounds
    }
    for (int i = threadIdx.x; i < BK * BN / 8; i += THREADS) {
        const int r = i / (BN / 8), c = i % (BN / 8) * 8;
        __pipeline_memcpy_async(&bs[r][c], b + r * N + c, 16);  // <- bounds
    }
}

// A ring of stages: while one is multiplied, the STAGES - 1 tiles after it are on their way.
__global__ void __launch_bounds__(THREADS)
gemm(const __half* __restrict__ A, const __half* __restrict__ B, __half* __restrict__ C)
{
    __shared__ __align__(16) __half As[STAGES][BM][BK];
    __shared__ __align__(16) __half Bs[STAGES][BK][BN];

    const int tx = threadIdx.x % (BN / 4);
    const int ty = threadIdx.x / (BN / 4);
    const __half* a = A + (size_t)blockIdx.y * BM * K;
    const __half* b = B + blockIdx.x * BN;
    float acc[4][4] = {{0.0f}};

    for (int s = 0; s < STAGES - 1; ++s) {
        load_tile(As[s], Bs[s], a + s * BK, b + s * BK * N);
        __pipeline_commit();
    }

    int stage = 0;
    int free = STAGES - 1;
    for (int t = 0; t < TILES; ++t) {
        __pipeline_wait_prior(STAGES - 2);
        __syncthreads();

        const int next = t + STAGES - 1;
        if (next < TILES) {
            load_tile(As[free], Bs[free], a + next * BK, b + next * BK * N);
        }
        __pipeline_commit();

        for (int k = 0; k < BK; ++k) {
            for (int i = 0; i < 4; ++i) {
                const float x = __half2float(As[stage][ty * 4 + i][k]);
                for (int j = 0; j < 4; ++j) {
                    acc[i][j] = fmaf(x, __half2float(Bs[stage][k][tx * 4 + j]), acc[i][j]);
                }
            }
        }
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        if (++free == STAGES - 1) {
            free = 0;
        }
    }

    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            C[(size_t)(blockIdx.y * BM + ty * 4 + i) * N + blockIdx.x * BN + tx * 4 + j] = __float2half_rn(acc[i][j]);
        }
    }
}

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
#ifndef BK
#define BK 32
#endif
#define THREADS ((BM / 4) * (BN / 4))
#define A_TILE (BM * BK)
#define B_TILE (BK * BN)

extern __shared__ __align__(16) unsigned char block[];

// Both stages of A, then both of B, in one block of dynamic shared memory.
__global__ void __launch_bounds__(THREADS)
gemm(const __half* __restrict__ A, const __half* __restrict__ B, __half* __restrict__ C)
{
    __half* As = reinterpret_cast<__half*>(block);
    __half* Bs = reinterpret_cast<__half*>(block + 2 * A_TILE * sizeof(__half));

    const int tid = threadIdx.x;
    const int tx = tid % (BN / 4);
    const int ty = tid / (BN / 4);
    const __half* a = A + (size_t)blockIdx.y * BM * K;
    const __half* b = B + blockIdx.x * BN;
    float acc[4][4] = {{0.0f}};

    for (int i = tid; i < A_TILE / 8; i += THREADS) {
        __pipeline_memcpy_async(As + i * 8, a + i / (BK / 8) * K + i % (BK / 8) * 8, 16);
    }
    for (int i = tid; i < B_TILE / 8; i += THREADS) {
        __pipeline_memcpy_async(Bs + i * 8, b + i / (BN / 8) * N + i % (BN / 8) * 8, 16);
    }
    __pipeline_commit();

    int stage = 0;
    for (int k0 = 0; k0 < K; k0 += BK) {
        if (k0 + BK < K) {
            for (int i = tid; i < A_TILE / 8; i += THREADS) {
                __pipeline_memcpy_async(As + (stage ^ 1) * A_TILE + i * 8, a + i / (BK / 4) * K + k0 + BK + i % (BK / 8) * 8, 16);  // <- equal
            }
            for (int i = tid; i < B_TILE / 8; i += THREADS) {
                __pipeline_memcpy_async(Bs + (stage ^ 1) * B_TILE + i * 8, b + (k0 + BK + i / (BN / 8)) * N + i % (BN / 8) * 8, 16);
            }
            __pipeline_commit();
            __pipeline_wait_prior(1);
        } else {
            __pipeline_wait_prior(0);
        }
        __syncthreads();

        for (int k = 0; k < BK; ++k) {
            for (int i = 0; i < 4; ++i) {
                const float x = __half2float(As[stage * A_TILE + (ty * 4 + i) * BK + k]);  // <- equal
                for (int j = 0; j < 4; ++j) {
                    acc[i][j] = fmaf(x, __half2float(Bs[stage * B_TILE + k * BN + tx * 4 + j]), acc[i][j]);  // <- equal
                }
            }
        }
        __syncthreads();
        stage ^= 1;
    }

    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            C[(size_t)(blockIdx.y * BM + ty * 4 + i) * N + blockIdx.x * BN + tx * 4 + j] = __float2half_rn(acc[i][j]);
        }
    }
}

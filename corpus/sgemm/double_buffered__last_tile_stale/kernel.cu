// tv: refuted equal
#include <cuda_runtime.h>

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
#define BM 128
#endif
#ifndef BN
#define BN 128
#endif
#ifndef BK
#define BK 8
#endif
#ifndef TM
#define TM 8
#endif
#ifndef TN
#define TN 8
#endif
#define THREADS ((BM / TM) * (BN / TN))
#define A_LOADS (BM * BK / 4 / THREADS)
#define B_LOADS (BK * BN / 4 / THREADS)
#define TILES (K / BK)

// Two shared stages: while one is multiplied, the next tile travels through registers into the other.
__global__ void __launch_bounds__(THREADS)
sgemm(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C)
{
    __shared__ __align__(16) float As[2][BK][BM];
    __shared__ __align__(16) float Bs[2][BK][BN];

    const int tid = threadIdx.x;
    const int tx = tid % (BN / TN);
    const int ty = tid / (BN / TN);
    A += blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += blockIdx.y * BM * N + blockIdx.x * BN;

    float4 ra[A_LOADS];
    float4 rb[B_LOADS];
    float acc[TM][TN] = {{0.0f}};

    for (int l = 0; l < A_LOADS; ++l) {
        const int i = tid + l * THREADS;
        const int r = i / (BK / 4), c = i % (BK / 4) * 4;
        const float4 v = *(const float4*)&A[r * K + c];
        As[0][c][r] = v.x;
        As[0][c + 1][r] = v.y;
        As[0][c + 2][r] = v.z;
        As[0][c + 3][r] = v.w;
    }
    for (int l = 0; l < B_LOADS; ++l) {
        const int i = tid + l * THREADS;
        const int r = i / (BN / 4), c = i % (BN / 4) * 4;
        *(float4*)&Bs[0][r][c] = *(const float4*)&B[r * N + c];
    }
    __syncthreads();

    for (int kt = 0; kt < TILES; ++kt) {
        const int cur = kt & 1;
        if (kt + 2 < TILES) {  // <- equal
            for (int l = 0; l < A_LOADS; ++l) {
                const int i = tid + l * THREADS;
                ra[l] = *(const float4*)&A[i / (BK / 4) * K + (kt + 1) * BK + i % (BK / 4) * 4];
            }
            for (int l = 0; l < B_LOADS; ++l) {
                const int i = tid + l * THREADS;
                rb[l] = *(const float4*)&B[((kt + 1) * BK + i / (BN / 4)) * N + i % (BN / 4) * 4];
            }
        }

        for (int k = 0; k < BK; ++k) {
            float a[TM], b[TN];
            for (int i = 0; i < TM; i += 4) {
                const float4 v = *(const float4*)&As[cur][k][ty * TM + i];
                a[i] = v.x;
                a[i + 1] = v.y;
                a[i + 2] = v.z;
                a[i + 3] = v.w;
            }
            for (int j = 0; j < TN; j += 4) {
                const float4 v = *(const float4*)&Bs[cur][k][tx * TN + j];
                b[j] = v.x;
                b[j + 1] = v.y;
                b[j + 2] = v.z;
                b[j + 3] = v.w;
            }
            for (int i = 0; i < TM; ++i) {
                for (int j = 0; j < TN; ++j) {
                    acc[i][j] = fmaf(a[i], b[j], acc[i][j]);  // <- equal
                }
            }
        }

        if (kt + 2 < TILES) {  // <- equal
            for (int l = 0; l < A_LOADS; ++l) {
                const int i = tid + l * THREADS;
                const int r = i / (BK / 4), c = i % (BK / 4) * 4;
                As[cur ^ 1][c][r] = ra[l].x;
                As[cur ^ 1][c + 1][r] = ra[l].y;
                As[cur ^ 1][c + 2][r] = ra[l].z;
                As[cur ^ 1][c + 3][r] = ra[l].w;
            }
            for (int l = 0; l < B_LOADS; ++l) {
                const int i = tid + l * THREADS;
                *(float4*)&Bs[cur ^ 1][i / (BN / 4)][i % (BN / 4) * 4] = rb[l];
            }
            __syncthreads();
        }
    }

    for (int i = 0; i < TM; ++i) {
        for (int j = 0; j < TN; j += 4) {
            const float4 v = make_float4(acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3]);
            *(float4*)&C[(ty * TM + i) * N + tx * TN + j] = v;
        }
    }
}

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

__device__ __forceinline__ void fetch(const float* __restrict__ A, const float* __restrict__ B, int row0, int col0,
                                      int k0, float4 (&ra)[A_LOADS], float4 (&rb)[B_LOADS])
{
#pragma unroll
    for (int l = 0; l < A_LOADS; ++l) {
        int i = threadIdx.x + l * THREADS;
        ra[l] = *(const float4*)(A + (size_t)(row0 + i / (BK / 4)) * K + k0 + i % (BK / 4) * 4);
    }
#pragma unroll
    for (int l = 0; l < B_LOADS; ++l) {
        int i = threadIdx.x + l * THREADS;
        rb[l] = *(const float4*)(B + (size_t)(k0 + i / (BN / 4)) * N + col0 + i % (BN / 4) * 4);
    }
}

__device__ __forceinline__ void stash(float (*As)[BM], float (*Bs)[BN], float4 (&ra)[A_LOADS], float4 (&rb)[B_LOADS])
{
#pragma unroll
    for (int l = 0; l < A_LOADS; ++l) {
        int i = threadIdx.x + l * THREADS;
        int r = i / (BK / 4), c = i % (BK / 4) * 4;
        As[c][r] = ra[l].x;
        As[c + 1][r] = ra[l].y;
        As[c + 2][r] = ra[l].z;
        As[c + 3][r] = ra[l].w;
    }
#pragma unroll
    for (int l = 0; l < B_LOADS; ++l) {
        int i = threadIdx.x + l * THREADS;
        *(float4*)&Bs[i / (BN / 4)][i % (BN / 4) * 4] = rb[l];
    }
}

__global__ void __launch_bounds__(THREADS) sgemm(const float* A, const float* B, float* C)
{
    __shared__ __align__(16) float As[2][BK][BM];
    __shared__ __align__(16) float Bs[2][BK][BN];

    int tx = threadIdx.x % (BN / TN), ty = threadIdx.x / (BN / TN);
    int row0 = blockIdx.y * BM, col0 = blockIdx.x * BN;

    float acc[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; ++i)
        for (int j = 0; j < TN; ++j) acc[i][j] = 0.f;

    float4 ra[A_LOADS], rb[B_LOADS];
    fetch(A, B, row0, col0, 0, ra, rb);
    stash(As[0], Bs[0], ra, rb);
    __syncthreads();

    int stage = 0;
    for (int kt = 0; kt < K / BK; ++kt) {
        if (kt + 1 < K / BK) {
            fetch(A, B, row0, col0, (kt + 1) * BK, ra, rb);
        }
#pragma unroll
        for (int k = 0; k < BK - 1; ++k) {  // <- equal
            float a[TM], b[TN];
#pragma unroll
            for (int i = 0; i < TM; ++i) a[i] = As[stage][k][ty * TM + i];
#pragma unroll
            for (int j = 0; j < TN; ++j) b[j] = Bs[stage][k][tx * TN + j];
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN; ++j) acc[i][j] = fmaf(a[i], b[j], acc[i][j]);  // <- equal
        }
        if (kt + 1 < K / BK) {
            stash(As[stage ^ 1], Bs[stage ^ 1], ra, rb);
        }
        __syncthreads();
        stage ^= 1;
    }

#pragma unroll
    for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; j += 4)
            *(float4*)&C[(size_t)(row0 + ty * TM + i) * N + col0 + tx * TN + j] =
                make_float4(acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3]);
}

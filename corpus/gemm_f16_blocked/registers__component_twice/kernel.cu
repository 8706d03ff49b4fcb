// tv: refuted equal
#include <cuda_fp16.h>

#ifndef M
#define M 1536
#endif
#ifndef N
#define N 3072
#endif
#ifndef K
#define K 768
#endif
#define BM 64
#define BN 64
#define BK 16
#define TM 8
#define TN 8
#define THREADS (BM / TM * (BN / TN))

// An eight by eight tile a thread, in registers; eight halves a load, two a multiplication.
__global__ void __launch_bounds__(THREADS) gemm(const half* __restrict__ A, const half* __restrict__ B, half* __restrict__ C)
{
    __shared__ half As[BK][BM + 2];
    __shared__ __align__(16) half Bs[BK][BN];

    const int tid = threadIdx.x;
    const int tx = tid % (BN / TN);
    const int ty = tid / (BN / TN);
    const half* a_block = A + (size_t)blockIdx.y * BM * K;
    const half* b_block = B + blockIdx.x * BN;

    float acc[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j)
            acc[i][j] = 0.0f;

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int l = tid; l < BM * BK / 8; l += THREADS) {
            const int r = l / (BK / 8), c = l % (BK / 8) * 8;
            const uint4 v = *(const uint4*)&a_block[r * K + k0 + c];
            const half2* pairs = (const half2*)&v;
#pragma unroll
            for (int p = 0; p < 4; ++p) {
                As[c + 2 * p][r] = __low2half(pairs[p]);
                As[c + 2 * p + 1][r] = __high2half(pairs[p]);
            }
        }
        for (int l = tid; l < BK * BN / 8; l += THREADS) {
            const int r = l / (BN / 8), c = l % (BN / 8) * 8;
            *(uint4*)&Bs[r][c] = *(const uint4*)&b_block[(k0 + r) * N + c];
        }
        __syncthreads();

#pragma unroll
        for (int k = 0; k < BK; ++k) {
            float a[TM];
            float2 b[TN / 2];
#pragma unroll
            for (int i = 0; i < TM; ++i)
                a[i] = __half2float(As[k][ty * TM + i]);
#pragma unroll
            for (int j = 0; j < TN / 2; ++j)
                b[j] = __half22float2(*(const half2*)&Bs[k][tx * TN + 2 * j]);
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN / 2; ++j) {
                    acc[i][2 * j] = fmaf(a[i], b[j].x, acc[i][2 * j]);
                    acc[i][2 * j + 1] = fmaf(a[i], b[j].x, acc[i][2 * j + 1]);  // <- equal
                }
        }
        __syncthreads();
    }

    half* c_block = C + (size_t)blockIdx.y * BM * N + blockIdx.x * BN;
#pragma unroll
    for (int i = 0; i < TM; ++i) {
        uint4 packed;
        half2* out = (half2*)&packed;
#pragma unroll
        for (int j = 0; j < TN / 2; ++j)
            out[j] = __floats2half2_rn(acc[i][2 * j], acc[i][2 * j + 1]);
        *(uint4*)&c_block[(ty * TM + i) * N + tx * TN] = packed;
    }
}

// tv: refuted equal
#include <cuda_fp16.h>

#ifndef H
#define H 12
#endif
#ifndef M
#define M 200
#endif
#ifndef N
#define N 333
#endif
#ifndef K
#define K 64
#endif
#define T 16

__global__ void matmul_broadcast(const half* a, const half* b, half* y)
{
    __shared__ half as[T][T], bs[T][T];
    const int z = blockIdx.z;
    const int head = H - 1 - z % H;  // <- equal
    const int i = blockIdx.y * T + threadIdx.y;
    const int j = blockIdx.x * T + threadIdx.x;
    a += (long long)z * M * K;
    b += (long long)head * K * N;  // <- equal
    y += (long long)z * M * N;

    float sum = 0.f;
    for (int t = 0; t < K; t += T) {
        half av = __ushort_as_half(0), bv = __ushort_as_half(0);
        if (i < M && t + threadIdx.x < K) av = a[i * K + t + threadIdx.x];
        if (j < N && t + threadIdx.y < K) bv = b[(t + threadIdx.y) * N + j];
        as[threadIdx.y][threadIdx.x] = av;
        bs[threadIdx.y][threadIdx.x] = bv;
        __syncthreads();
        for (int k = 0; k < T; k++)
            sum = fmaf(__half2float(as[threadIdx.y][k]), __half2float(bs[k][threadIdx.x]), sum);  // <- equal
        __syncthreads();
    }
    if (i < M && j < N) y[i * N + j] = __float2half_rn(sum);
}

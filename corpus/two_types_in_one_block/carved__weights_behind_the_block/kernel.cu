// tv: refuted bounds
#include <cuda_fp16.h>

#ifndef N
#define N 4096
#endif
#ifndef K
#define K 4096
#endif
#ifndef T
#define T 16
#endif
#ifndef D
#define D 32
#endif

extern __shared__ __align__(16) unsigned char block[];

// One block of shared memory: a tile of activations in float, behind it a tile of weights in half.
__global__ void __launch_bounds__(T * T)
linear(const float* __restrict__ x, const __half* __restrict__ W, float* __restrict__ y)
{
    float (*xs)[D] = reinterpret_cast<float (*)[D]>(block);
    __half* ws = reinterpret_cast<__half*>(block + T * D * sizeof(double));

    const int tx = threadIdx.x;
    const int ty = threadIdx.y;
    const int row = blockIdx.y * T + ty;
    const int col = blockIdx.x * T + tx;

    float acc = 0.0f;
    for (int k0 = 0; k0 < K; k0 += D) {
        for (int i = tx; i < D; i += T) {
            xs[ty][i] = x[(size_t)row * K + k0 + i];  // <- bounds
        }
        for (int i = ty; i < D; i += T) {
            ws[i * T + tx] = W[(size_t)(k0 + i) * N + col];  // <- bounds
        }
        __syncthreads();
        for (int k = 0; k < D; ++k) {
            acc += xs[ty][k] * __half2float(ws[k * T + tx]);  // <- bounds
        }
        __syncthreads();
    }
    y[(size_t)row * N + col] = acc;
}

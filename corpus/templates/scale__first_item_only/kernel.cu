// tv: refuted equal
#include <cuda_runtime.h>

#ifndef BLOCK
#define BLOCK 256
#endif

namespace elementwise {

template <typename T>
struct Scale {
    T factor;
    __device__ T operator()(const T& v) const { return v * factor; }  // <- equal
};

template <int THREADS>
__device__ int first_item()
{
    return blockIdx.x * (4 * THREADS) + threadIdx.x;
}

}  // namespace elementwise

template <typename T, int THREADS>
__global__ void scale(const T* __restrict__ x, T* __restrict__ y, T alpha, int n)
{
    const elementwise::Scale<T> op{alpha};
    const int first = elementwise::first_item<THREADS>();
    int i = first;
#pragma unroll
    for (int k = 0; k < 4; ++k, i += THREADS) {
        if (i < n) {
            y[i] = op(x[first]);  // <- equal
        }
    }
}

template __global__ void scale<float, BLOCK>(const float*, float*, float, int);

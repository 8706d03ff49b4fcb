// tv: refuted equal
#include <cuda_runtime.h>

#ifndef K
#define K 2048
#endif

// The block's dynamic shared memory as an array of any type.
template <class T> struct SharedMemory {
    __device__ inline operator T*()
    {
        extern __shared__ int words[];
        return (T*)words;
    }
    __device__ inline operator const T*() const
    {
        extern __shared__ int words[];
        return (T*)words;
    }
};
template <> struct SharedMemory<double> {
    __device__ inline operator double*()
    {
        extern __shared__ double wide_words[];
        return wide_words;
    }
};

struct Pair {
    float u, v;
};

template <class T> __device__ __forceinline__ T magnitude(T v)
{
    return v; // <- equal
}
template <> __device__ __forceinline__ int magnitude<int>(int v)
{
    return abs(v);
}

__device__ float apart(Pair p)
{
    return magnitude(p.u - p.v); // <- equal
}

// One block a row.
template <class T> __global__ void distance(const T* a, const T* b, T* y)
{
    T* partial = SharedMemory<T>();
    const int row = blockIdx.x;
    T sum = 0;
    for (int c = threadIdx.x; c < K; c += blockDim.x) {
        sum += apart({a[row * K + c], b[row * K + c]}); // <- equal
    }
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        sum += __shfl_xor_sync(0xffffffffu, sum, o);
    }
    if (threadIdx.x % 32 == 0) {
        partial[threadIdx.x / 32] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        T total = 0;
        for (int w = 0; w < blockDim.x / 32; ++w) {
            total += partial[w]; // <- equal
        }
        y[row] = total;
    }
}
template __global__ void distance<float>(const float* a, const float* b, float* y);

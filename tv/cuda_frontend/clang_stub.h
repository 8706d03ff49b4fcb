#define __global__ __attribute__((annotate("__global__")))
#define __device__ __attribute__((annotate("__device__")))
#define __host__ __attribute__((annotate("__host__")))
#define __shared__ __attribute__((annotate("__shared__")))
#define __forceinline__ inline
#define __inline__ inline
typedef unsigned long size_t;
typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t; typedef unsigned short uint16_t;
typedef int int32_t; typedef unsigned uint32_t; typedef long int64_t; typedef unsigned long uint64_t;
struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct int2 { int x, y; };
struct int4 { int x, y, z, w; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
extern const uint3 threadIdx, blockIdx;
extern const dim3 blockDim, gridDim;
extern const int warpSize;
__device__ void __syncthreads();
__device__ void __syncwarp(unsigned mask = 0xffffffffu);
template <class T> __device__ T __shfl_sync(unsigned mask, T v, int lane, int width = 32);
template <class T> __device__ T __shfl_xor_sync(unsigned mask, T v, int lane, int width = 32);
template <class T> __device__ T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32);
template <class T> __device__ T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32);
template <class T> __device__ T __ldg(const T* p);
template <class T> __device__ T atomicAdd(T* p, T v);
__device__ float sqrtf(float); __device__ float rsqrtf(float); __device__ float expf(float); __device__ float __expf(float);
__device__ float logf(float); __device__ float tanhf(float); __device__ float erff(float); __device__ float powf(float, float);
__device__ float fmaxf(float, float); __device__ float fminf(float, float); __device__ float fabsf(float);
__device__ float fmaf(float, float, float); __device__ float floorf(float); __device__ float ceilf(float);
__device__ float __fadd_rn(float, float); __device__ float __fsub_rn(float, float); __device__ float __fmul_rn(float, float);
__device__ float __fdiv_rn(float, float); __device__ float __fmaf_rn(float, float, float); __device__ float __fsqrt_rn(float);
__device__ int min(int, int); __device__ unsigned min(unsigned, unsigned); __device__ float min(float, float);
__device__ int max(int, int); __device__ unsigned max(unsigned, unsigned); __device__ float max(float, float);
__device__ float2 make_float2(float, float); __device__ float4 make_float4(float, float, float, float);
__device__ int __float_as_int(float); __device__ float __int_as_float(int);
namespace cooperative_groups {
struct thread_block {
    __device__ void sync() const;
    __device__ unsigned thread_rank() const;
    __device__ unsigned size() const;
};
__device__ thread_block this_thread_block();
__device__ void sync(const thread_block& block);
}

// tv: proved bitwise
#include <cuda_bf16.h>

template <typename T>
struct alignas(16) Pack {
    static constexpr int count = 16 / sizeof(T);
    T elem[count];

    Pack() = default;
    __device__ explicit Pack(uint4 bits) { memcpy(&elem, &bits, sizeof(bits)); }
    __device__ T& operator[](int i) { return elem[i]; }
    __device__ const T& operator[](int i) const { return elem[i]; }
    __device__ uint4 bits() const
    {
        uint4 raw;
        memcpy(&raw, &elem, sizeof(raw));
        return raw;
    }
};
using vec = Pack<__nv_bfloat16>;

template <typename T>
__device__ Pack<T> load_pack(const T* p)
{
    return Pack<T>{*reinterpret_cast<const uint4*>(p)};
}

__global__ void residual(const __nv_bfloat16* __restrict__ a, const __nv_bfloat16* __restrict__ b,
                         __nv_bfloat16* __restrict__ y, int packs)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= packs) return;
    const vec p = load_pack(a + i * vec::count);
    const vec q = load_pack(b + i * vec::count);
    vec sum;
    for (int k = 0; k < sum.count; ++k) sum[k] = __hadd(p[k], q[k]);
    *reinterpret_cast<uint4*>(y + i * vec::count) = sum.bits();
}

"""Small kernels beside the compiled one: random numbers, reading alone, the first of the largest. They include nothing."""

from __future__ import annotations

from megac.dtype import DType

FILLED = {DType.F16: "fill_f16", DType.BF16: "fill_bf16", DType.F32: "fill_f32"}

SOURCE = r"""
typedef unsigned int u32;
typedef unsigned long long u64;

// splitmix64 of the element's number, then Box and Muller's transform
__device__ __forceinline__ float normal(u64 seed, u64 i)
{
    u64 z = seed * 0xd1342543de82ef95ull + (i + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z = z ^ (z >> 31);
    const float u = ((u32)(z >> 40) + 1) * (1.0f / 16777216.0f);
    const float v = (u32)(z & 0xffffff) * (1.0f / 16777216.0f);
    return sqrtf(-2.0f * logf(u)) * cospif(2.0f * v);
}

__device__ __forceinline__ unsigned short as_f16(float x)
{
    unsigned short h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
}

__device__ __forceinline__ unsigned short as_bf16(float x)
{
    const u32 b = __float_as_uint(x);
    return (unsigned short)((b + 0x7fff + ((b >> 16) & 1)) >> 16);
}

#define FILL(name, type, rounded)                                                                                    \
    extern "C" __global__ void name(type* out, u64 count, float mean, float deviation, u64 seed)                      \
    {                                                                                                                 \
        for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x)         \
            out[i] = rounded(mean + deviation * normal(seed, i));                                                     \
    }

FILL(fill_f16, unsigned short, as_f16)
FILL(fill_bf16, unsigned short, as_bf16)
FILL(fill_f32, float, )

// Four loads of 16 bytes in flight a thread; the sum keeps them from being left out.
extern "C" __global__ void __launch_bounds__(1024) read_all(const uint4* data, u64 count, u32* sink)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    u32 s = 0;
    u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x;
    for (; i + 3 * step < count; i += 4 * step) {
        const uint4 a = data[i], b = data[i + step], c = data[i + 2 * step], d = data[i + 3 * step];
        s += a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w ^ c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^ d.z ^ d.w;
    }
    for (; i < count; i += step) {
        const uint4 a = data[i];
        s += a.x ^ a.y ^ a.z ^ a.w;
    }
    if (s == 0x9e3779b9u)
        *sink = s;
}
"""

# type: the name, what its bits are read as, all of them but the sign, those of infinity
LARGEST = {
    DType.F16: ("largest_f16", "short", "0x7fff", "0x7c00"),
    DType.BF16: ("largest_bf16", "short", "0x7fff", "0x7f80"),
    DType.F32: ("largest_f32", "int", "0x7fffffff", "0x7f800000"),
}

# A float's bits as an integer of the floats' order, -0 and 0 being one, above its place from the end: the largest of these is
# the first of the largest. A NaN is above all of them, and then the place is -1. One block.
_LARGEST = """
extern "C" __global__ void __launch_bounds__(1024) @NAME(const @TYPE* x, int count, long long* place)
{
    __shared__ unsigned long long best[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned long long key = 0;
    for (int i = threadIdx.x; i < count; i += 1024) {
        const int bits = x[i];
        const int size = bits & @SIZE;
        const unsigned int value = (unsigned int)(bits < 0 ? -size : size) ^ 0x80000000u;
        const unsigned long long here = (unsigned long long)value << 32 | (0xffffffffu - (unsigned int)i);
        const unsigned long long own = size > @MOST ? 0xffffffffffffffffull : here;
        key = own > key ? own : key;
    }
    for (int o = 16; o > 0; o >>= 1) {
        const unsigned long long other = __shfl_xor_sync(0xffffffffu, key, o);
        key = other > key ? other : key;
    }
    if (lane == 0)
        best[warp] = key;
    __syncthreads();
    if (warp == 0) {
        key = best[lane];
        for (int o = 16; o > 0; o >>= 1) {
            const unsigned long long other = __shfl_xor_sync(0xffffffffu, key, o);
            key = other > key ? other : key;
        }
        if (lane == 0)
            *place = key == 0xffffffffffffffffull ? -1ll : (long long)(0xffffffffu - (unsigned int)key);
    }
}
"""


def choice(dtype: DType) -> str:
    """The kernel that finds the first of the largest of a type's numbers."""
    name, kind, size, most = LARGEST[dtype]
    return _LARGEST.replace("@NAME", name).replace("@TYPE", kind).replace("@SIZE", size).replace("@MOST", most)

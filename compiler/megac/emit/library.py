"""The small device functions that kernels call, each written only where it is called."""

from __future__ import annotations

from collections.abc import Iterable

from megac.dtype import DType
from megac.emit.types import C_TYPES, folded

THREADS = 512  # of a block

_DOT = """
// Lanes share the products of two vectors of n elements, {by} of each a load; every lane has the sum.
__device__ __forceinline__ float {name}(const {kind}* row, const {kind}* x, int n, int lane)
{{
    float s = 0.0f;
#pragma unroll {unroll}
    for (int c = lane; c < n / {by}; c += 32) {{
        const uint4 u = ((const uint4*)row)[c], v = ((const uint4*)x)[c];
        const {pair} *a = (const {pair}*)&u, *b = (const {pair}*)&v;
        for (int e = 0; e < {pairs}; ++e) {{
            const float2 p = {load}a[e]{end}, q = {load}b[e]{end};
            s = {first};
            s = {second};
        }}
    }}
    return warp_sum_f32(s);
}}
"""
_WARP = """
__device__ __forceinline__ {kind} warp_{op}_{t}({kind} v)
{{
    for (int o = 16; o > 0; o >>= 1)
        v = {step};
    return v;
}}
"""
_GROUP = """
// Of n lanes side by side, n a power of two; each of them has the sum.
__device__ __forceinline__ {kind} group_{op}_{t}({kind} v, int n)
{{
    for (int o = n / 2; o > 0; o >>= 1)
        v = {step};
    return v;
}}
"""
_BLOCK = """
__device__ __forceinline__ {kind} block_{op}_{t}({kind} v, {kind} total, {kind}* partial)
{{
    v = warp_{op}_{t}(v);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = v;
    __syncthreads();
    for (int w = 0; w < WARPS; ++w)
        total = {step};
    __syncthreads();
    return total;
}}
"""
_BARRIER = """
// All blocks meet. The counter is 0 when the launch begins; at the n-th barrier each block has added n.
__device__ __forceinline__ void grid_barrier(unsigned int* arrivals, unsigned int awaited)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        __nv_atomic_fetch_add(arrivals, 1u, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);
        while (__nv_atomic_load_n(arrivals, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE) < awaited) {
        }
    }
    __syncthreads();
}
"""
_FUSED = ("__fmaf_rn(p.x, q.x, s)", "__fmaf_rn(p.y, q.y, s)")
_APART = ("__fadd_rn(s, __fmul_rn(p.x, q.x))", "__fadd_rn(s, __fmul_rn(p.y, q.y))")
_PAIRS = {
    "dot_f16": ("half", "half2", 8, ("__half22float2(", ")"), _FUSED),
    "dot_bf16": ("__nv_bfloat16", "__nv_bfloat162", 8, ("__bfloat1622float2(", ")"), _FUSED),
    "dot_f32": ("float", "float2", 4, ("", ""), _APART),
}
KINDS = ("warp", "group", "dot", "block", "grid")
UNROLL = 8  # loads of a row that a lane has on their way


def functions(helpers: Iterable[str]) -> str:
    """The text of the functions, what they call before them."""
    wanted = set(helpers)
    if any(h.startswith("dot_") for h in wanted):
        wanted.add("warp_sum_f32")
    order = sorted(wanted, key=lambda h: (KINDS.index(h.split("_")[0]), h))
    return "".join(map(_function, order))


def _function(name: str) -> str:
    kind, *rest = name.split("_")
    if kind == "grid":
        return _BARRIER
    if kind == "dot":
        c, pair, by, (load, end), (first, second) = _PAIRS[f"dot_{rest[0]}"]
        return _DOT.format(
            name=name, kind=c, pair=pair, by=by, pairs=by // 2, load=load, end=end, first=first, second=second,
            unroll=UNROLL,
        )  # fmt: skip
    op, code = rest
    t = DType(code)
    if kind in ("warp", "group"):
        text = _WARP if kind == "warp" else _GROUP
        return text.format(kind=C_TYPES[t], op=op, t=code, step=folded(op, "v", "__shfl_xor_sync(FULL, v, o)", t))
    return _BLOCK.format(kind=C_TYPES[t], op=op, t=code, step=folded(op, "total", "partial[w]", t))


def partials(helpers: Iterable[str]) -> list[DType]:
    """Types of which a block keeps a partial result a warp."""
    return sorted({DType(h.split("_")[2]) for h in helpers if h.startswith("block_")}, key=lambda t: t.value)

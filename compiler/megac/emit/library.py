"""The small device functions that kernels call, each written only where it is called."""

from __future__ import annotations

from collections.abc import Iterable

from megac.dtype import DType
from megac.emit.types import C_TYPES, folded

THREADS = 512  # of a block

_DOT = """
// Lanes share the products of two vectors of n elements; every lane has the sum.
__device__ __forceinline__ float {name}(const {kind}* row, const {kind}* x, int n, int lane)
{{
    float s = 0.0f;
    for (int c = lane; c < n / 2; c += 32) {{
        const float2 a = {load}(((const {pair}*)row)[c]{end};
        const float2 b = {load}(((const {pair}*)x)[c]{end};
        s = {first};
        s = {second};
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
_FUSED = ("__fmaf_rn(a.x, b.x, s)", "__fmaf_rn(a.y, b.y, s)")
_APART = ("__fadd_rn(s, __fmul_rn(a.x, b.x))", "__fadd_rn(s, __fmul_rn(a.y, b.y))")
_PAIRS = {
    "dot_f16": ("half", "half2", "__half22float2", _FUSED),
    "dot_bf16": ("__nv_bfloat16", "__nv_bfloat162", "__bfloat1622float2", _FUSED),
    "dot_f32": ("float", "float2", "", _APART),
}


def functions(helpers: Iterable[str]) -> str:
    """The text of the functions, what they call before them."""
    wanted = set(helpers)
    if any(h.startswith("dot_") for h in wanted):
        wanted.add("warp_sum_f32")
    order = sorted(wanted, key=lambda h: (("warp", "group", "dot", "block").index(h.split("_")[0]), h))
    return "".join(map(_function, order))


def _function(name: str) -> str:
    kind, *rest = name.split("_")
    if kind == "dot":
        c, pair, load, (first, second) = _PAIRS[name]
        end = ")" if load else ""
        text = _DOT.format(name=name, kind=c, pair=pair, load=load, end=end, first=first, second=second)
        return text if load else text.replace("(((const", "((const").replace(")row)[c];", ")row)[c];")
    op, code = rest
    t = DType(code)
    if kind in ("warp", "group"):
        text = _WARP if kind == "warp" else _GROUP
        return text.format(kind=C_TYPES[t], op=op, t=code, step=folded(op, "v", "__shfl_xor_sync(FULL, v, o)", t))
    return _BLOCK.format(kind=C_TYPES[t], op=op, t=code, step=folded(op, "total", "partial[w]", t))


def partials(helpers: Iterable[str]) -> list[DType]:
    """Types of which a block keeps a partial result a warp."""
    return sorted({DType(h.split("_")[2]) for h in helpers if h.startswith("block_")}, key=lambda t: t.value)

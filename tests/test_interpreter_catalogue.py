"""Every built-in function, statement and expression that a kernel may consist of is executed by the interpreter.

Each name that `tv ops` lists has calls here, on every kind of operand that it takes. They are read as one kernel and run; a name
without a call fails, and so does one that the interpreter refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tv.cuda_frontend import read
from tv.cuda_frontend.builtin import BUILTINS, METHODS
from tv.cuda_frontend.builtin_math import FAST, FUNCTIONS
from tv.diagnostic import Unsupported
from tv.kernel import (
    Const,
    Expr,
    Inside,
    Kernel,
    MemoryObject,
    Parameter,
    Scalar,
    Space,
    Stmt,
    check,
    children,
    expressions,
    walk,
)
from tv.launch import CompileOptions
from tv.replay import DenseBuffer, run
from tv.source import Span

BLOCK = 64
HEAD = """#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_pipeline.h>
#include <limits>
#include <algorithm>
namespace cg = cooperative_groups;
using namespace cooperative_groups;
__global__ void all(const float* xf, const double* xd, const int* xi, const long long* xl, const __half* xh, const __nv_bfloat16* xb,
                    float* of, double* od, int* oi, long long* ol, __half* oh, __nv_bfloat16* ob, __half2* oh2, __nv_bfloat162* ob2,
                    int* ci, unsigned* cu, unsigned long long* cq, float* cf, double* cd, __half* ch, long long* cl, unsigned short* cs, int size) {
    __shared__ __align__(16) float tile[64];
    __shared__ int counter;
    const int t = threadIdx.x;
    if (t == 0) counter = 0;
    tile[t] = 1.0f;
    __syncthreads();
    float a = xf[t], b = xf[t + 1], c = xf[t + 2];
    double d = xd[t], e = xd[t + 1], f = xd[t + 2];
    int i = xi[t], j = xi[t + 1], k = xi[t + 2];
    unsigned u = i, v = j, w = k;
    long long l = xl[t], m = xl[t + 1];
    unsigned long long q = l, r = m;
    short s = i;
    unsigned short z = j;
    __half h = xh[t], g = xh[t + 1], n = xh[t + 2];
    __half2 h2 = __halves2half2(h, g), g2 = __halves2half2(g, n), n2 = __halves2half2(n, h);
    __nv_bfloat16 y = xb[t], x = xb[t + 1], o = xb[t + 2];
    __nv_bfloat162 y2 = __halves2bfloat162(y, x), x2 = __halves2bfloat162(x, o), o2 = __halves2bfloat162(o, y);
    float2 p2 = make_float2(a, b);
    auto grid = cg::this_grid();
    auto block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    auto eight = cg::tiled_partition<8>(block);
"""
# Which calls stand for a name: a pattern, and the statements, `@` for the name.
CALLS: tuple[tuple[str, str], ...] = (
    (r"__[fd](add|sub|mul|div)_rn", "of[t] = @(a, b); od[t] = @(d, e);"),
    (r"__fmaf_rn", "of[t] = @(a, b, c);"),
    (r"__(fsqrt_rn|frcp_rn)|nearbyintf?", "of[t] = @(a);"),
    (r"__(float|int|uint|double|longlong|half|bfloat16|short|ushort)_as_(int|uint|longlong|short|ushort)", "ol[t] = @({arg});"),
    (r"__\w+_as_(float|double)", "od[t] = @({arg});"),
    (r"__\w+_as_half", "oh[t] = @({arg});"),
    (r"__\w+_as_bfloat16", "ob[t] = @({arg});"),
    (r"__(int|uint|ll|ull)2float_r[nzud]|__double2float_rn", "of[t] = @({arg});"),
    (r"__(float|half|bfloat16)2(int|uint|ll|ull|short|ushort)_r[nzud]|llrintf|lrintf", "ol[t] = @({arg});"),
    (r"__(float|double|u?int|u?ll|u?short)2half(_r[nzud])?", "oh[t] = @({arg});"),
    (r"__(float|double|u?int|u?ll|u?short)2bfloat16(_r[nzud])?", "ob[t] = @({arg});"),
    (r"isnan|isinf|isfinite", "oi[t] = @(a); oi[t] = @(d);"),
    (r"(std::)?(min|max)", "of[t] = @(a, b); od[t] = @(d, e); oi[t] = @(i, j); ol[t] = @(u, v); ol[t] = @(l, m); ol[t] = @(q, r);"),
    (r"u(min|max)|__umulhi|__umul24", "ol[t] = @(u, v);"),
    (r"u?ll(min|max)", "ol[t] = @(l, m);"),
    (r"__mulhi|__mul24", "oi[t] = @(i, j);"),
    (r"l?labs", "ol[t] = @(l);"),
    (r"abs", "of[t] = @(a); od[t] = @(d); oi[t] = @(i); ol[t] = @(l);"),
    (r"__(popc|clz|ffs|brev)", "ol[t] = @(i); ol[t] = @(u);"),
    (r"__dp4a", "oi[t] = @(i, j, k); ol[t] = @(u, v, w); oi[t] = @(make_char4(i, j, k, i), make_char4(1, 2, 3, 4), k);"),
    (r"std::numeric_limits::(min|max|lowest)", "of[t] = {limit}<float>::@(); oi[t] = {limit}<int>::@(); ol[t] = {limit}<unsigned>::@();"),
    (r"std::numeric_limits::(infinity|epsilon|quiet_NaN)", "of[t] = {limit}<float>::@(); od[t] = {limit}<double>::@();"),
    (r"__h(add|sub|mul|div)(_rn)?|__h(max|min)(_nan)?", "oh[t] = @(h, g); ob[t] = @(y, x);"),
    (r"__h(add|sub|mul)2(_rn)?|__h2div|__h(max|min)2(_nan)?", "oh2[t] = @(h2, g2); ob2[t] = @(y2, x2);"),
    (r"__hfma", "oh[t] = @(h, g, n); ob[t] = @(y, x, o);"),
    (r"__hfma2", "oh2[t] = @(h2, g2, n2); ob2[t] = @(y2, x2, o2);"),
    (r"__habs|__hneg|h(sqrt|exp2?|log2?|sin|cos|rsqrt|rcp|floor|ceil|trunc|rint)", "oh[t] = @(h); ob[t] = @(y);"),
    (r"__habs2|__hneg2|h2(sqrt|exp2?|log2?|sin|cos|rsqrt|rcp|floor|ceil|trunc|rint)", "oh2[t] = @(h2); ob2[t] = @(y2);"),
    (r"__h(eq|neu?|lt|le|gt|ge)", "oi[t] = @(h, g); oi[t] = @(y, x);"),
    (r"__hisnan", "oi[t] = @(h); oi[t] = @(y);"),
    (r"__(half2|bfloat162)2float2|__half22float2|__bfloat1622float2", "{{ float2 both = @({arg}); of[t] = both.x + both.y; }}"),
    (r"__half2float", "of[t] = @(h);"),
    (r"__bfloat162float", "of[t] = @(y);"),
    (r"__(low|high)2float", "of[t] = @(h2); of[t] = @(y2);"),
    (r"__floats2half2_rn", "oh2[t] = @(a, b);"),
    (r"__floats2bfloat162_rn", "ob2[t] = @(a, b);"),
    (r"__float22half2_rn", "oh2[t] = @(p2);"),
    (r"__float22bfloat162_rn", "ob2[t] = @(p2);"),
    (r"__float2half2_rn", "oh2[t] = @(a);"),
    (r"__float2bfloat162_rn", "ob2[t] = @(a);"),
    (r"__half2half2", "oh2[t] = @(h);"),
    (r"__bfloat162bfloat162", "ob2[t] = @(y);"),
    (r"__halves2half2|make_half2", "oh2[t] = @(h, g);"),
    (r"__halves2bfloat162|make_bfloat162", "ob2[t] = @(y, x);"),
    (r"__(lows|highs)2half2", "oh2[t] = @(h2, g2);"),
    (r"__(lows|highs)2bfloat162", "ob2[t] = @(y2, x2);"),
    (r"__(low2half2|high2half2|lowhigh2highlow)", "oh2[t] = @(h2);"),
    (r"__(low2bfloat162|high2bfloat162|lowhigh2highlow)", "ob2[t] = @(y2);"),
    (r"__(low|high)2half", "oh[t] = @(h2);"),
    (r"__(low|high)2bfloat16", "ob[t] = @(y2);"),
    (r"make_(u?(char|short|int|long|longlong)|float|double)[1-4]", "{{ {vector} made = @({parts}); od[t] = (double)made.x; }}"),
    (r"__ld(g|cg|cs|ca|lu|cv)", "of[t] = @(xf + t); od[t] = @(xd + t); oi[t] = @(xi + t); oh[t] = @(xh + t);"),
    (r"__st(cg|cs|wb|wt)", "@(of + t, a); @(od + t, d); @(oi + t, i); @(oh + t, h);"),
    (r"atomic(Add|Sub|Min|Max|Exch|And|Or|Xor)(_block|_system)?", "oi[t] = @(ci, i); ol[t] = @(cu, u); @(ci, i); @(&counter, i);"),
    (r"atomic(Add|Min|Max|Exch|And|Or|Xor)(_block|_system)?", "ol[t] = @(cq, q); @(cq, q);"),
    (r"atomic(Min|Max|And|Or|Xor)(_block|_system)?", "@(cl, l);"),
    (r"atomicAdd(_block|_system)?", "of[t] = @(cf, a); @(cf, a); od[t] = @(cd, d); oh[t] = @(ch, h);"),
    (r"atomicExch(_block|_system)?", "of[t] = @(cf, a);"),
    (r"atomic(Inc|Dec)(_block|_system)?", "ol[t] = @(cu, 7u);"),
    (r"atomicCAS(_block|_system)?", "oi[t] = @(ci, i, j); ol[t] = @(cu, u, v); ol[t] = @(cq, q, r); oi[t] = @(cs, z, z);"),
    (r"__nv_atomic_(fetch_)?(add|sub|and|or|xor|min|max)|__nv_atomic_exchange_n",
     "oi[t] = @(ci, i, __NV_ATOMIC_ACQ_REL, __NV_THREAD_SCOPE_DEVICE); ol[t] = @(cu, u, __NV_ATOMIC_RELAXED);"),
    (r"__nv_atomic_store_n", "@(ci, i, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);"),
    (r"__nv_atomic_load_n", "oi[t] = @(ci, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE); oi[t] = @(ci, __NV_ATOMIC_SEQ_CST);"),
    (r"__pipeline_memcpy_async", ("__syncthreads(); @(tile + t, xf + t, 4); __pipeline_commit(); __pipeline_wait_prior(0); __syncthreads(); "
     "if (t < 8) @(tile + 4 * t, xf + 4 * t, 16, t % 2 * 8); __pipeline_commit(); __pipeline_wait_prior(0);")),
    (r"__pipeline_commit|__syncthreads|__threadfence(_block|_system)?|__syncwarp", "@();"),
    (r"__syncwarp", "@(0xffffffffu);"),
    (r"__pipeline_wait_prior", "@(1); @(0);"),
    (r"__nanosleep", "@(100);"),
    (r"printf", '@("%d %f", i, a);'),
    (r"assert|__builtin_assume", "@(t < 64);"),
    (r"__builtin_expect", "if (@(t < 32, 1)) oi[t] = i;"),
    (r"__builtin_unreachable", "if (t >= 64) @();"),
    (r"memcpy", "{{ float word; @(&word, &a, 4); of[t] = word; }}"),
    (r"__shfl(_xor|_up|_down)?_sync", ("of[t] = @(0xffffffffu, a, 1, 32); od[t] = @(0xffffffffu, d, 0); oi[t] = @(0xffffffffu, i, 3, 8); "
     "ol[t] = @(0xffffffffu, l, 1); oh[t] = @(0xffffffffu, h, 1); ob[t] = @(0xffffffffu, y, 1); oh2[t] = @(0xffffffffu, h2, 2);")),
    (r"__(ballot|any|all)_sync", "ol[t] = @(0xffffffffu, i > 0);"),
    (r"__reduce_(add|min|max)_sync", "oi[t] = @(0xffffffffu, i); ol[t] = @(0xffffffffu, u);"),
    (r"__reduce_(and|or|xor)_sync", "ol[t] = @(0xffffffffu, u);"),
    (r"__syncthreads_(and|or|count)", "oi[t] = @(i > 0);"),
    (r"(cooperative_groups::)?(this_grid|this_thread_block)", "ol[t] = @().thread_rank();"),
    (r"(cooperative_groups::)?tiled_partition", "ol[t] = @<4>(block).thread_rank();"),
    (r"cooperative_groups::sync", "@(block); @(warp);"),
    (r"cooperative_groups::(plus|less|greater)", "oi[t] = cg::reduce(warp, i, @<int>()); of[t] = cg::reduce(warp, a, @<float>());"),
    (r"cooperative_groups::bit_(and|or|xor)", "oi[t] = cg::reduce(eight, i, @<int>());"),
    (r"cooperative_groups::reduce", "ol[t] = @(eight, u, cg::plus<unsigned>());"),
)  # fmt: skip
METHOD_CALLS: tuple[tuple[str, str], ...] = (
    (r"shfl|shfl_down|shfl_up|shfl_xor", "of[t] = warp.@(a, 1); oi[t] = eight.@(i, 1);"),
    (r"any|all|ballot", "ol[t] = warp.@(i > 0); ol[t] = eight.@(i > 0);"),
    (r"sync", "block.@(); warp.@(); eight.@();"),
    (r"thread_rank|size|num_threads", "ol[t] = grid.@(); ol[t] = block.@(); ol[t] = warp.@();"),
    (r"block_rank|num_blocks", "ol[t] = grid.@();"),
    (r"meta_group_rank|meta_group_size", "ol[t] = eight.@();"),
)
REFUSED = {
    "__activemask": "oi[t] = @();",
    "clock": "ol[t] = @();",
    "clock64": "ol[t] = @();",
    "__trap": "@();",
    "__builtin_assume_aligned": "of[t] = *(const float*)@(xf, 16);",
    "__cvta_generic_to_shared": "ol[t] = @(tile);",
    "memset": "@(tile, 0, 4);",
    "__umul64hi": "ol[t] = @(q, r);",
    **dict.fromkeys(("sincosf", "__sincosf", "sincospif"), "@(a, &b, &c);"),
    **dict.fromkeys(("sincos", "sincospi"), "@(d, &e, &f);"),
}
ARGUMENTS = {"float": "a", "double": "d", "int": "i", "uint": "u", "longlong": "l", "ll": "l", "ull": "q", "half": "h", "bfloat16": "y",
             "short": "s", "ushort": "z", "half2": "h2", "bfloat162": "y2", "llrintf": "a", "lrintf": "a"}  # fmt: skip


def argument(name: str) -> str:
    """The operand of a conversion, by its name."""
    if name in ("__half22float2", "__bfloat1622float2"):
        return ARGUMENTS[name[2:].removesuffix("2float2")]
    source = re.split(r"2|_as_", name.lstrip("_"))[0]
    return ARGUMENTS["bfloat16" if name.startswith("__bfloat162") else source]


def calls(name: str) -> Iterator[str]:
    """Statements with a call of a built-in function, on each kind of operand."""
    plain = name.removesuffix("f") if name.removesuffix("f") in FUNCTIONS else name
    if plain in FUNCTIONS:
        floats, doubles = ", ".join("abc"[: FUNCTIONS[plain]]), ", ".join("def"[: FUNCTIONS[plain]])
        yield f"of[t] = {name}({floats}); od[t] = {name}({doubles});"
    if name in FAST:
        yield f"of[t] = {name}({', '.join('abc'[: FAST[name][1]])});"
    for pattern, text in CALLS:
        if re.fullmatch(pattern, name):
            found = re.fullmatch(r"make_(\w+?)([1-4])", name)
            yield text.format(
                arg=argument(name) if "{arg}" in text else "",
                limit="std::numeric_limits",
                vector="" if found is None else f"{found[1]}{found[2]}",
                parts="" if found is None else ", ".join("ijkt"[: int(found[2])]),
            ).replace("@", name.rsplit("::", 1)[1] if name.startswith("std::numeric") else name)


def method_calls(name: str) -> Iterator[str]:
    yield from (text.replace("@", name) for pattern, text in METHOD_CALLS if re.fullmatch(pattern, name))


def kernel_of(lines: list[str]) -> Kernel:
    text = HEAD + "\n".join(f"    {line}" for line in lines) + "\n}\n"
    return read(Path("all.cu"), text, CompileOptions()).kernels["all"]


def executed(kernel: Kernel) -> None:
    """One block, on numbers at which every conversion is defined; whatever waits, races or is undefined would show."""
    rng = np.random.default_rng(5)
    dtypes = {"f": np.float32, "d": np.float64, "i": np.int32, "l": np.int64, "h": np.float16, "b": np.uint16}
    buffers = {}
    for p in (p for p in kernel.parameters if p.type is None):
        content = rng.uniform(0.25, 0.75, BLOCK + 8) if p.name[1] in "fdh" else rng.integers(1, 9, BLOCK + 8)
        given = dtypes.get(p.name[1:], np.int64) if p.name[0] == "x" else np.int64
        content = content if p.name[0] == "x" else np.zeros(BLOCK + 8)
        content = content + 0x3F00 if p.name == "xb" else content
        buffers[p.name] = DenseBuffer.of(content.astype(given))
    done = run(kernel, (1, 1, 1), (BLOCK, 1, 1), dict(buffers), {"size": BLOCK})
    assert done.clean, done.events


@pytest.fixture(scope="module")
def whole() -> Kernel:
    return kernel_of(
        [line for name in BUILTINS.entries if name not in REFUSED for line in calls(name)]
        + [line for name in METHODS.entries for line in method_calls(name)]
    )


def test_every_name_has_a_call() -> None:
    assert not [n for n in BUILTINS.entries if n not in REFUSED and not [*calls(n)]]
    assert not [n for n in METHODS.entries if not [*method_calls(n)]]


def test_every_built_in_is_executed(whole: Kernel) -> None:
    executed(whole)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_call_is_refused_where_it_is_read(name: str) -> None:
    with pytest.raises(Unsupported):
        kernel_of([REFUSED[name].replace("@", name)])


# ------------------------------------------------------------------------------------------------ statements and expressions
FLOW = """    for (int n2 = 0; n2 < i; ++n2) { float local[2]; local[n2 % 2] = a; if (n2 == 3) continue; if (n2 == 5) break; of[t] = local[n2 % 2]; }
    do { --k; } while (k > 0);
    of[t] = ((const float4*)xf)[t / 8].x;
    switch (j) { case 1: oi[t] = 1; break; case 2: oi[t] = 2; default: oi[t] = 3; }
    volatile float* watched = of + t;
    *watched = *watched + 1.0f;
    float4 row = *(const float4*)(xf + 4 * (t / 8));
    of[t] = (t < 5 ? a : -b) + row.x + row.y + row.z + row.w;
    oi[t] = ~i + (i << 1) + (u >> 1) + i % j + i / j + (i & j | j ^ i) + (int)(unsigned char)i + !i + size;
    if (t > 60) return;
"""


def written_kinds(kernel: Kernel) -> set[str]:
    """The kinds of statements and expressions in a kernel."""
    found: set[str] = set()
    todo: list[Expr] = []
    for s in walk(kernel.body):
        found.add(type(s).__name__)
        todo += expressions(s)
    while todo:
        e = todo.pop()
        found.add(type(e).__name__)
        todo += children(e)
    return found


def test_every_statement_and_expression_is_executed(whole: Kernel) -> None:
    flow = kernel_of([FLOW])
    executed(flow)
    known = {c.__name__ for base in (Stmt, Expr) for c in base.__subclasses__()}
    # A place in a table's buffer stands alone below; whether a pointer is null is decided before a run.
    assert known - written_kinds(whole) - written_kinds(flow) == {"Inside", "NotNull"}


@pytest.mark.parametrize(
    ("entry", "offset", "good"), [(0, 60, True), (1, 4, True), (1, 8, False), (2, 0, False), (0, -4, False)]
)
def test_a_place_in_a_tables_buffer(entry: int, offset: int, good: bool) -> None:
    place = Inside(Span("k.cu", 1), "x", *(Const(Scalar.I64, n % (1 << 64)) for n in (entry, offset)), 4, (64, 8), 2)
    objects = {"x": MemoryObject("x", Space.GLOBAL, Scalar.F32, None, 256)}
    k = check(Kernel("k", (Parameter("x", None, Scalar.F32),), objects, (place,)))
    done = run(k, (1, 1, 1), (1, 1, 1), {"x": DenseBuffer.zeros(256)}, {})
    assert done.clean is good

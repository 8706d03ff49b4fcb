"""The kernel's file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from megac.dtype import DType
from megac.emit.folds import indented
from megac.emit.library import THREADS, functions, partials
from megac.emit.nests import phase_lines
from megac.emit.places import Scope
from megac.emit.types import C_TYPES, number
from megac.ir import Const, Constant, Program
from megac.memory.packing import stride_name
from megac.memory.records import Memory, Parameter
from megac.passes.stages import reads
from megac.schedule.records import Phase, Schedule

WIDTH = 110


def kernel_text(p: Program, s: Schedule, m: Memory, limits: dict[str, int]) -> str:
    """The file: sizes, small functions, and one kernel in which phases follow each other behind grid barriers."""
    taken = {x.name for x in m.parameters} | {x.name for x in m.shared} | {name for name, _ in m.constants}
    scope = Scope(m, limits, frozenset(taken), {w.name: w for w in p.weights})
    scope.stages = {x.name: x for _, _, _, x in s.placed()}
    scope.rows = {a.rows: a for c in s.caches for a in c.appends}
    described = _descriptions(s)
    texts = []
    for k, phase in enumerate(s.phases):
        scope.phase = k
        scope.outside = not len(s.before) <= k < len(s.before) + len(s.layer)
        texts.append([*described[k], *_memory_lines(k, phase, m), *_scoped(phase_lines(phase, scope))])
    if m.arrivals:
        scope.helpers.add("grid_barrier")
    body = "\n".join(indented(_body(s, m, texts)))
    head = _head(p, s, m)
    if any("warp" in x or "lane" in x for t in texts for x in t):
        lane = "    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;\n"
    else:
        lane = ""
    shared = "".join(
        f"    __shared__ __align__(16) {C_TYPES[x.dtype]} {x.name}[{x.elements}];\n" for x in m.shared
    )  # fmt: skip
    shared += "".join(f"    __shared__ {C_TYPES[t]} partial_{t.value}[WARPS];\n" for t in partials(scope.helpers))
    shared += "".join(
        f"    __shared__ __align__(16) {C_TYPES[t]} slices_{t.value}[THREADS * {n}];\n" for t, n in scope.slices.items()
    )
    signature = _list(list(map(_parameter, m.parameters)))
    return (
        f"{head}{functions(scope.helpers)}\n__global__ void __launch_bounds__(THREADS, 1)\n"
        f"{kernel_name(p)}({signature})\n{{\n"
        f"{shared}{lane}\n{body}\n}}\n"
    )


def _scoped(lines: list[str]) -> list[str]:
    """The lines, in a block of their own where they declare variables."""
    loose = any(x.endswith(";") and not x.startswith((" ", "}", "__syncthreads")) for x in lines)
    return ["{", *indented(lines), "}"] if loose else lines


def kernel_name(p: Program) -> str:
    return "decode"


def _list(items: list[str]) -> str:
    """Items with commas, in lines behind the first one."""
    lines = [items[0]]
    for x in items[1:]:
        if len(lines[-1]) + len(x) + 2 <= WIDTH - 7:
            lines[-1] += f", {x}"
        else:
            lines[-1] += ","
            lines.append(x)
    return "\n       ".join(lines)


def _parameter(x: Parameter) -> str:
    if x.kind == "scalar":
        return f"{C_TYPES[x.dtype]} {x.name}"
    return _pointer(x)


def _pointer(x: Parameter) -> str:
    return f"{'' if x.written else 'const '}{C_TYPES[x.dtype]}* {x.name}"


def _head(p: Program, s: Schedule, m: Memory) -> str:
    types = {x.dtype for x in m.parameters} | {x.dtype for _, _, _, x in s.placed()}
    lines = ["#include <cuda_bf16.h>"] if DType.BF16 in types else []
    lines += ["#include <cuda_fp16.h>"] if DType.F16 in types else []
    lines += [
        *([""] if lines else []),
        f"#define THREADS {THREADS}",
        "#define WARPS (THREADS / 32)",
        "#define FULL 0xffffffffu",
    ]
    lines += [f"#define LAYERS {s.layers}"] if s.layers else []
    lines += [f"#define {stride_name(x.name)} {x.stride}" for x in m.parameters if x.layered]
    lines += [f"#define {name} {n}" for name, n in m.offsets]
    called = {x.base for x in m.places.values() if x.called}
    for name, c in m.constants:
        lines += ["", *_table(name, c, name in called)]
    return "\n".join(lines) + "\n"


def _table(name: str, c: Constant, called: bool) -> list[str]:
    """A constant tensor: a function of the element's number where it is small, which no memory is read for."""
    values = np.frombuffer(c.data, c.dtype.numpy)
    items = [number(Const(c.dtype, int.from_bytes(v.tobytes(), "little"))) for v in values]
    kind = C_TYPES[c.dtype]
    if not called:
        rows = textwrap.wrap(", ".join(items), WIDTH - 4)
        return [f"__device__ const {kind} {name}[{len(items)}] = {{", *indented(rows), "};"]
    cases = [f"    case {k}: return {x};" for k, x in enumerate(items[:-1])]
    choice = ["switch (i) {", *cases, f"    default: return {items[-1]};", "}"]
    return [f"__device__ __forceinline__ {kind} {name}(int i)", "{", *indented(choice), "}"]


def _body(s: Schedule, m: Memory, texts: list[list[str]]) -> list[str]:
    """Phases with a barrier of the grid between any two, also where one layer follows another."""
    first, each = len(s.before), len(s.layer)
    out: list[str] = []
    for k in range(first):
        out += [*texts[k], _barrier(m, "", k + 1), ""]
    if s.layer:
        out.append("for (int l = 0; l < LAYERS; ++l) {")
        inner = [f"{_pointer(x)}_l = {x.name} + (size_t)l * {stride_name(x.name)};" for x in m.parameters if x.layered]
        for k in range(first, first + each):
            inner += ["", *texts[k], _barrier(m, f"{each} * l", k + 1)]
        out += [*indented(inner), "}", ""]
    for k in range(first + each, len(texts)):
        out += [*texts[k], _barrier(m, f"{each} * LAYERS" if each else "", k + 1 - each), ""]
    return out[: 1 + max((n for n, x in enumerate(out) if x and not x.startswith("grid_barrier(")), default=-1)]


def _barrier(m: Memory, before: str, more: int) -> str:
    """The barrier that `more` barriers after `before` others is."""
    n = f"({before} + {more})" if before else str(more)
    return f"grid_barrier({m.arrivals}, {n} * gridDim.x);"


# ----------------------------------------------------------------------------------------------------------- comments
def _descriptions(s: Schedule) -> list[list[str]]:
    """A comment for each phase: its number, and the nodes that it is the first to compute."""
    seen: set[str] = set()
    out = []
    first, end = len(s.before), len(s.before) + len(s.layer)
    for k, phase in enumerate(s.phases):
        nodes = [o.node for x in phase.stages for o in x.origin]
        new = [n for n in dict.fromkeys(nodes) if n not in seen]
        seen |= set(new)
        where = "before the layers" if k < first else "a layer" if k < end else "after the layers"
        title = f"phase {k + 1}" + (f" ({where})" if s.layer else "")
        named = f": {', '.join(map(plain, new))}" if new else ", more of the same nodes"
        out.append(list(_wrapped(title + named)))
    return out


def plain(name: str) -> str:
    """A node's name as it may stand in a comment."""
    return re.sub(r"[^A-Za-z0-9_./:\-]", "?", name)


def _wrapped(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH - 7, break_long_words=False, break_on_hyphens=False):
        yield f"// {line}"


def _memory_lines(k: int, phase: Phase, m: Memory) -> list[str]:
    """Which tensors the numbered arrays hold that the phase uses."""
    used = dict.fromkeys([*(x.tensor for s in phase.stages for x in reads(s)), *(s.name for s in phase.stages)])
    numbered = {x.name for x in (*m.workspace, *m.shared)}
    pairs: Iterable[tuple[str, str]] = (
        (place.base, name)
        for name in used
        for place in (m.local.get((k, name)), m.places.get(name))
        if place is not None
    )
    text = ", ".join(f"{base} = {plain(name)}" for base, name in dict.fromkeys(pairs) if base in numbered)
    return list(_wrapped(text)) if text else []

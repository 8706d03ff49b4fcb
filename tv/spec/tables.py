"""Tables of pointers where the launch binds them: their buffers as one memory, each at a place of its own.

The buffers of a table do not alias, so they may stand one after another in one memory, far enough apart that each is aligned as
it is said to be. Nothing goes from one to the next: what an access says of its place in its own buffer is asked of it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tv.diagnostic import Unsupported
from tv.kernel import (
    AsyncCopy,
    Atomic,
    Binary,
    Const,
    Expr,
    If,
    Inside,
    Kernel,
    Load,
    Loop,
    MemRef,
    Scalar,
    Stmt,
    Store,
    check,
    references,
)
from tv.launch import BufferBinding, Launch
from tv.spec.resolve import Resolved

I64 = Scalar.I64


def placed(r: Resolved) -> Resolved:
    """The same launches, with kernels whose accesses through tables go to one memory. Raises Unsupported (TV0240)."""
    kernels = tuple(_kernel(k, launch) for k, launch in zip(r.kernels, r.spec.launches, strict=True))
    return replace(r, kernels=kernels)


def _kernel(kernel: Kernel, launch: Launch) -> Kernel:
    tables: dict[str, BufferBinding] = {}
    for p in kernel.parameters:
        b = launch.args.get(p.name)
        if p.entries is not None and isinstance(b, BufferBinding):
            tables[p.name] = b
    if not tables:
        return kernel
    objects = {n: replace(o, entries=None) if n in tables else o for n, o in kernel.objects.items()}
    return check(replace(kernel, objects=objects, body=_body(kernel.body, kernel, tables)))


def _body(body: tuple[Stmt, ...], kernel: Kernel, tables: Mapping[str, BufferBinding]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for s in body:
        out += [_asked(r, s, kernel, tables[r.object]) for r in references(s) if r.object in tables]
        match s:
            case Load(ref=r) | Store(ref=r) | Atomic(ref=r):
                out.append(replace(s, ref=_linear(r, kernel, tables)))
            case AsyncCopy(dst=to, src=of):
                out.append(replace(s, dst=_linear(to, kernel, tables), src=_linear(of, kernel, tables)))
            case Inside(object=o):
                out.append(replace(s, sizes=_sizes(kernel, o, tables[o]), held=kernel.objects[o].entries or 0))
            case If(then=a, orelse=b):
                out.append(replace(s, then=_body(a, kernel, tables), orelse=_body(b, kernel, tables)))
            case Loop(prelude=a, body=b, step=c):
                parts = [_body(x, kernel, tables) for x in (a, b, c)]
                out.append(replace(s, prelude=parts[0], body=parts[1], step=parts[2]))
            case _:
                out.append(s)
    return tuple(out)


def _sizes(kernel: Kernel, name: str, b: BufferBinding) -> tuple[int, ...]:
    return tuple(n * kernel.objects[name].element.bytes for n in b.entries)


def _asked(r: MemRef, s: Stmt, kernel: Kernel, b: BufferBinding) -> Inside:
    assert r.entry is not None
    if isinstance(s, AsyncCopy) and s.zero_fill is not None:
        text = f"an asynchronous copy from the table `{r.object}` that fills with zeros"
        raise Unsupported("TV0240", text, r.span, "guard the copy, and store zeros in the other arm")
    return Inside(r.span, r.object, r.entry, r.offset, r.count * r.type.bytes, _sizes(kernel, r.object, b))


def _linear(r: MemRef, kernel: Kernel, tables: Mapping[str, BufferBinding]) -> MemRef:
    """The access at its place in the memory of all buffers."""
    if r.object not in tables:
        return r
    assert r.entry is not None
    apart = tables[r.object].stride * kernel.objects[r.object].element.bytes
    return replace(r, entry=None, offset=_sum(_product(r.entry, apart), r.offset))


def _product(a: Expr, n: int) -> Expr:
    if isinstance(a, Const):
        return Const(I64, a.bits * n & (1 << 64) - 1, a.span)
    return Binary(I64, "mul", a, Const(I64, n))


def _sum(a: Expr, b: Expr) -> Expr:
    if isinstance(a, Const) and a.bits == 0:
        return b
    return a if isinstance(b, Const) and b.bits == 0 else Binary(I64, "add", a, b)

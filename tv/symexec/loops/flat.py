"""Flat loops over rows of an open size: `for (i = thread; i < M * N; i += threads)`, with `i / N` and `i % N`.

isl knows no division by a symbol. Where the rounds of such a loop depend on nothing but i, they are as many independent
threads, one for each i, however a launch deals them out. Each i below M * N is q N + r in one way with r below N, so that the
kernel is executed as if blocks (r, q) of one thread each ran the body for that i. Every two of those count as threads that nothing
orders: races that they do not have, the launch has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tv import kernel as ir
from tv.diagnostic import TvError
from tv.kernel import Space
from tv.launch import Launch
from tv.sets import TRUE, Affine, Dim, Ranges
from tv.sets.affine import Quotient, floordiv, times
from tv.sets.products import divide, leading
from tv.source import Span
from tv.symexec.execute import Executor
from tv.symexec.instances import Cuts, LaunchSpace, launch_space
from tv.symexec.loops.ordinals import exposed, reads, variables
from tv.symexec.memory import BufferShape
from tv.symexec.values import Value, type_range

INDEX = "flat index"  # no parameter of a kernel has a name with a space
Grid = tuple[Affine, Affine, Affine]


@dataclass(frozen=True, slots=True)
class Flat:
    """The kernel, launch and scalars to execute in place of the flat ones."""

    kernel: ir.Kernel
    launch: Launch
    grid: Grid
    scalars: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a kernel: what comes before, the index, the condition under which it is in range, and what is done with it.

    step: of a loop, what a round adds; None where a thread has one index at most. types: those that the new index goes through.
    """

    before: tuple[ir.Stmt, ...]
    index: ir.Var
    cond: ir.Compare
    body: tuple[ir.Stmt, ...]
    step: ir.Expr | None
    types: tuple[ir.Scalar, ...]
    span: Span


def flattened(
    kernel: ir.Kernel,
    launch: Launch,
    grid: Grid,
    scalars: Mapping[str, Value],
    symbols: Mapping[str, tuple[int, int]],
    buffers: Mapping[str, BufferShape],
    fmad: bool,
) -> Flat | None:
    """The kernel over quotients and remainders; None where it is no flat kernel with rows of an open size."""
    shape = _shape(kernel)
    if shape is None or not _independent(shape):
        return None
    try:
        return _recast(kernel, shape, launch, grid, scalars, symbols, buffers, fmad)
    except TvError:  # what cannot be read here is said where the kernel itself is executed
        return None


# ------------------------------------------------------------------------------------------------ the kernel's form
def _shape(kernel: ir.Kernel) -> Shape | None:
    """`...; for (i = ...; cond; i += step) body`, `...; if (cond) body`, or `...; if (!cond) return; body`."""
    body = kernel.body
    for k, s in enumerate(body):
        before, after = body[:k], body[k + 1 :]
        match s:
            case ir.Assign():
                continue
            case ir.Loop(cond=ir.Compare() as cond, prelude=(), test_first=True) if not after:
                index = _compared(cond)
                step = _added(s.step, index) if index is not None else None
                return None if index is None or step is None else Shape(before, index, cond, s.body, *step, s.span)
            case ir.If(cond=ir.Compare() as cond, then=then, orelse=()) if not after:
                index = _compared(cond)
                return None if index is None else Shape(before, index, cond, then, None, (), s.span)
            case ir.If(cond=ir.Compare() as cond, then=(ir.Return(),), orelse=()):
                index = _compared(cond)
                turned = {"ge": "lt", "gt": "le"}.get(cond.op)
                if index is None or turned is None:
                    return None
                return Shape(before, index, replace(cond, op=turned), after, None, (), s.span)
            case _:
                return None
    return None


def _compared(c: ir.Compare) -> ir.Var | None:
    """The variable on the left of a comparison, conversions aside."""
    e = c.a
    while isinstance(e, ir.Convert) and not e.type.is_float:
        e = e.a
    return e if isinstance(e, ir.Var) and not e.type.is_float else None


def _added(step: tuple[ir.Stmt, ...], index: ir.Var) -> tuple[ir.Expr, tuple[ir.Scalar, ...]] | None:
    """What the step adds to the index, where it does nothing else, and the types that the index is added in and converted to."""
    if len(step) != 1 or not isinstance(step[0], ir.Assign) or step[0].var.name != index.name:
        return None
    e, types = step[0].value, list[ir.Scalar]()
    while isinstance(e, ir.Convert) and not e.type.is_float:
        types.append(e.type)
        e = e.a
    if not isinstance(e, ir.Binary) or e.op != "add" or e.type.is_float:
        return None
    a = e.a
    types.append(e.type)
    while isinstance(a, ir.Convert) and not a.type.is_float:
        types.append(a.type)
        a = a.a
    return (e.b, tuple(types)) if isinstance(a, ir.Var) and a.name == index.name else None


def _independent(shape: Shape) -> bool:
    """Does a round depend on its index alone, and on memory? Nothing is carried, exchanged or waited for."""
    inside = tuple(ir.walk(shape.body))
    plain = (ir.Assign, ir.Load, ir.Store, ir.If, ir.Loop, ir.Aligned, ir.Inside)
    if not all(isinstance(s, plain) for s in inside) or any(_launched(e) for s in inside for e in ir.expressions(s)):
        return False
    written = {v.name for s in inside for v in ir.assigned(s)}
    before = {v.name for s in shape.before for v in ir.assigned(s)}
    stepped = set() if shape.step is None else set(variables(shape.step))
    if stepped & (written | {shape.index.name}):  # it adds another number in each round
        return False
    return (
        shape.index.name not in written and not written & (before | exposed(shape.body)) and not _launched(shape.cond.b)
    )


def _launched(e: ir.Expr) -> bool:
    """Does this look at where a thread stands in the launch?"""
    return isinstance(e, ir.Builtin) or any(_launched(c) for c in ir.children(e))


# ------------------------------------------------------------------------------------------------ the recast launch
def _recast(
    kernel: ir.Kernel,
    shape: Shape,
    launch: Launch,
    grid: Grid,
    scalars: Mapping[str, Value],
    symbols: Mapping[str, tuple[int, int]],
    buffers: Mapping[str, BufferShape],
    fmad: bool,
) -> Flat | None:
    used = {r.object for s in ir.walk(shape.body) for r in ir.references(s)}
    if any(kernel.objects[n].space is not Space.GLOBAL for n in used):
        return None
    ranges = dict(symbols)
    space = launch_space(launch, grid, ranges, Cuts())
    # Where intervals do not decide a question, no is the answer: a conversion is then a remainder, which numbers no threads.
    x = Executor(kernel, space, dict(scalars), ranges, fmad, Cuts(), lambda dims, domain, f: False)
    kept = _before(x, shape)
    first = _one(x.env.get(shape.index.name))
    step = None if shape.step is None else _one(x.evaluator.value(shape.step))
    if x.trace.checks:
        return None
    threads, total = None if first is None else _dealt(first, space), _total(x, shape)
    if kept is None or threads is None or total is None or (shape.step is not None and step != threads):
        return None
    if not _fits(x, shape, threads, total) or (shape.step is None and not _surely(threads - total, x.range_of)):
        return None
    extents = _extents(total, _divisors(x, shape) or _strides(buffers, used))
    if extents is None:
        return None
    index, weight = Affine.of(0), Affine.of(1)
    for axis, extent in zip("xyz", extents, strict=False):
        index, weight = index + times(Affine.dim("b" + axis), weight), times(weight, extent)
    wide = [*extents, Affine.of(1), Affine.of(1)]
    value, t = Value(shape.index.type, pieces=((TRUE, index),)), shape.cond.b.type
    span = shape.span
    asked = ir.Assign(span, ir.Var(t, "flat bound"), shape.cond.b)  # its arithmetic is to be in range, here as there
    body = (*kept, asked, ir.Assign(span, shape.index, ir.Param(shape.index.type, INDEX)), *shape.body)
    recast = replace(kernel, body=body)
    return Flat(recast, replace(launch, block=(1, 1, 1)), (wide[0], wide[1], wide[2]), {**scalars, INDEX: value})


def _before(x: Executor, shape: Shape) -> tuple[ir.Stmt, ...] | None:
    """What stands before, run; what of it no thread's place decides. None where the rest is used for more than the index."""
    kept: list[ir.Stmt] = []
    placed: set[str] = set()
    for s in shape.before:
        asked = len(x.trace.checks)
        x.statement(s)
        if any(_launched(e) for e in ir.expressions(s)) or reads((s,)) & placed:
            placed |= {v.name for v in ir.assigned(s)}
        else:
            kept.append(s)
            del x.trace.checks[asked:]  # they are asked again, where the recast kernel executes it
    used = reads(shape.body) | set(variables(shape.cond.b))
    return tuple(kept) if not used & (placed - {shape.index.name}) else None


def _one(v: Value | None) -> Affine | None:
    return v.pieces[0][1] if v is not None and v.pieces is not None and len(v.pieces) == 1 else None


def _dealt(a: Affine, space: LaunchSpace) -> Affine | None:
    """How many threads there are, where `a` numbers them all: each dimension weighs what those below it count together."""
    weights = {t.name: c for t, c in a.terms if isinstance(t, Dim)}
    if a.const or len(weights) != len(a.terms) or set(weights) != set(space.dims):
        return None
    extents = {f"b{x}": space.grid[k] for k, x in enumerate("xyz")}
    extents |= {f"t{x}": Affine.of(space.block[k]) for k, x in enumerate("xyz")}
    count = Affine.of(1)
    for d in sorted(weights, key=lambda d: weights[d]):
        if count.constant != weights[d]:
            return None
        count = times(extents[d], count)
    return count


def _total(x: Executor, shape: Shape) -> Affine | None:
    """The index runs over 0 <= i < total: read off the condition."""
    i = Dim("flat")
    x.trace.ranges[i.name] = (0, type_range(shape.index.type)[1])
    x.env[shape.index.name] = Value(shape.index.type, pieces=((TRUE, Affine.atom(i)),))
    f = x.evaluator.value(shape.cond).formula
    if f is None or f.op != "ge" or f.affine is None or dict(f.affine.terms).get(i) != -1:
        return None
    total = f.affine + Affine.atom(i) + 1
    return total if total.symbolic else None


def _fits(x: Executor, shape: Shape, threads: Affine, total: Affine) -> bool:
    """No number on the way leaves its type: the threads' places (unsigned), the bound, the index one step past it."""
    low, high = total.interval(x.range_of)
    most = threads.interval(x.range_of)[1]
    if low is None or high is None or most is None or low < 0:
        return False
    for e in _parts(shape.cond.b):
        inside = [a.interval(x.range_of) for _, a in x.evaluator.value(e).pieces or ()]
        limits = type_range(e.type)
        if any(a is None or b is None or a < limits[0] or limits[1] < b for a, b in inside):
            return False
    types = (shape.index.type, shape.cond.a.type, shape.cond.b.type, *shape.types)
    return most < 1 << 31 and all(high + most <= type_range(t)[1] for t in types)


def _parts(e: ir.Expr) -> list[ir.Expr]:
    return [e, *(p for c in ir.children(e) for p in _parts(c))]


def _surely(a: Affine, ranges: Ranges) -> bool:
    """a >= 0, with k floor(n / k) taken as n - k + 1, its least value."""
    for q, c in a.terms:
        if isinstance(q, Quotient) and c > 0 and c % q.denominator == 0:
            a = a - Affine.atom(q) * c + (q.numerator - (q.denominator - 1)) * (c // q.denominator)
    low = a.interval(ranges)[0]
    return low is not None and low >= 0


def _divisors(x: Executor, shape: Shape) -> list[Affine]:
    """What the body divides by that is no number."""
    own = {v.name for s in ir.walk(shape.body) for v in ir.assigned(s)} | {shape.index.name}
    out = []
    for e in (p for s in ir.walk(shape.body) for whole in ir.expressions(s) for p in _parts(whole)):
        if (
            isinstance(e, ir.Binary)
            and e.op in ("div", "rem")
            and not e.type.is_float
            and not set(variables(e.b)) & own
        ):
            d = _one(x.evaluator.value(e.b))
            out += [d] if d is not None and d.symbolic and d.constant is None else []
    return out


def _strides(buffers: Mapping[str, BufferShape], used: set[str]) -> list[Affine]:
    return [floordiv(o, b.item) for n, b in buffers.items() if n in used for o in b.open if b.item]


def _extents(total: Affine, divisors: list[Affine]) -> list[Affine] | None:
    """The extents of quotients and remainders, innermost first: each divisor a multiple of the one before, the total of all."""
    chain = sorted({d.text() if d.linear else str(d): d for d in divisors}.values(), key=lambda d: len(leading(d)[0]))
    out, below = list[Affine](), Affine.of(1)
    for d in [*chain, total]:
        q, rest = divide(d, below)
        if rest.constant != 0 or not q.linear:
            return None
        out.append(q)
        below = d
    return out if chain and len(out) <= 3 else None

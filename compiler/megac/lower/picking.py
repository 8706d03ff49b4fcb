"""ArgMax, ArgMin and TopK: places of extremes, the first of equals."""

from __future__ import annotations

from typing import Literal

from megac import index as ix
from megac.dtype import DType
from megac.errors import CompileError
from megac.expr import as_index, select
from megac.ir import Expr, Index, IndexValue
from megac.lower.builder import Builder, Place
from megac.lower.reductions import reduced_shape, source
from megac.lower.registry import lowers
from megac.lower.tensors import Tensor
from megac.lower.view import View
from megac.size import ONE, Size

ROUNDS = 16  # of a TopK, each of which looks for the largest that is left


def place_of_extreme(
    b: Builder, name: str, t: Tensor, axis: int, largest: bool, taken: tuple[Tensor, ...] = (), keep: bool = True
) -> Tensor:
    """The place along an axis of the extreme of those that are not taken."""
    op: Literal["argmax", "argmin"] = "argmax" if largest else "argmin"

    def element(p: Place, inner: tuple[Index, ...]) -> Expr:
        return p.get(t, source(t.rank, (axis,), keep, p.index, inner))

    def left(p: Place, inner: tuple[Index, ...]) -> Expr:
        out: Expr | None = None
        for other in taken:
            here = p.op("not", p.op("eq", p.get(other), IndexValue(inner[0], DType.I64)))
            out = here if out is None else p.op("and", out, here)
        assert out is not None
        return out

    shape = reduced_shape(t.shape, (axis,), keep)
    if t.shape[axis] == ONE:
        return b.define(name, DType.I64, shape, lambda p: IndexValue(ix.constant(0), DType.I64))
    return b.fold(name, shape, op, [t.shape[axis]], element, where=left if taken else None)


@lowers("ArgMax", "ArgMin")
def extreme_place(n: View, b: Builder) -> None:
    t = n.input(0)
    axis = n.axis(0, t.rank)
    if n.flag("select_last_index") or t.dtype is DType.BOOL:
        raise CompileError("it asks for the last of equals, or is on booleans")
    keep = n.flag("keepdims", True)
    b.bind(n.output(), place_of_extreme(b, n.output(), t, axis, n.op == "ArgMax", keep=keep))


@lowers("TopK")
def top_k(n: View, b: Builder) -> None:
    """One after the other: each round the extreme of those that are left."""
    t, k = n.input(0), n.integers(1)
    axis = n.axis(-1, t.rank)
    largest = n.flag("largest", True)
    n.flag("sorted", True)  # sorted results are among those of any order
    if len(k) != 1 or not 0 < k[0] <= ROUNDS or t.dtype is DType.BOOL:
        raise CompileError(f"it takes {k} elements; 1 to {ROUNDS} are compiled")
    if not Size(k[0]).at_most(t.shape[axis]):
        raise CompileError(f"it takes {k[0]} of {t.shape[axis]} elements")
    name = n.output(1) or f"{n.output()}.places"
    taken: list[Tensor] = []
    for r in range(k[0]):
        taken.append(place_of_extreme(b, f"{name}.{r}", t, axis, largest, tuple(taken)))
    shape = tuple(Size(k[0]) if d == axis else e for d, e in enumerate(t.shape))

    def chosen(p: Place) -> Expr:
        at = tuple(ix.constant(0) if d == axis else i for d, i in enumerate(p.index))
        out = p.get(taken[-1], at)
        for r in reversed(range(k[0] - 1)):
            out = select(p.test("eq", ix.shifted(p.index[axis], -r)), p.get(taken[r], at), out)
        return out

    places = b.bind(n.output(1), b.define(name, DType.I64, shape, chosen))

    def value(p: Place) -> Expr:
        return p.get(t, tuple(as_index(p.get(places)) if d == axis else i for d, i in enumerate(p.index)))

    if n.output():
        b.bind(n.output(), b.define(n.output(), t.dtype, shape, value))

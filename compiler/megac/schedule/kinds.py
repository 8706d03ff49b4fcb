"""What a stage is: a contraction with a stored matrix, something each block may do for itself, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from megac.dtype import DType
from megac.expr import walk
from megac.ir import AxisRef, Cast, Data, Expr, Index, Load, Op, Quotient, Remainder, Stage, Weight
from megac.passes.stages import reads
from megac.size import Size, product

# The rule of cost for what every block computes again instead of waiting for another: vectors and scalars of fixed
# size, of at most this many terms; sums over a matrix only where a block's warps take all rows at once.
REPLICATED_WORK = 1 << 16
REPLICATED_ROWS = 16
SHORT = 32  # a reduction of so few terms is one thread's, which is then no slower than a block with its barriers


@dataclass(frozen=True, slots=True)
class Contraction:
    """sum over k of f(weight[.., k]) * g(k), the weight's dimensions with k in them last: `order`, of which the last
    `inner` have k."""

    weight: Load
    other: Expr
    order: tuple[int, ...]
    inner: int


def mentions(i: Index, names: frozenset[str]) -> bool:
    """Does the index follow one of these axes, data in it included?"""
    for atom, _ in i.terms:
        match atom:
            case AxisRef(name):
                if name in names:
                    return True
            case Quotient(inner) | Remainder(inner):
                if mentions(inner, names):
                    return True
            case Data(value):
                if follows(value, names):
                    return True
    return False


def follows(e: Expr, names: frozenset[str]) -> bool:
    """Does the value follow one of these axes?"""
    return any(mentions(i, names) for x in walk(e) for i in _indices(x))


def _indices(e: Expr) -> tuple[Index, ...]:
    match e:
        case Load(_, index):
            return index
        case _:
            own = getattr(e, "index", None)
            return (own,) if isinstance(own, Index) else ()


def _bare(e: Expr) -> Expr:
    """Without casts that widen."""
    while isinstance(e, Cast) and e.dtype.holds(e.arg.dtype):
        e = e.arg
    return e


def contraction(s: Stage, weights: Mapping[str, Weight]) -> Contraction | None:
    """How a stage is a sum of products with a stored matrix, if it is one."""
    r = s.reduction
    if r is None or r.op != "sum" or r.start.bits != 0 or not (isinstance(r.element, Op) and r.element.name == "mul"):
        return None
    over = frozenset(a.name for a in r.axes)
    own = frozenset(a.name for a in s.axes)
    for mine, other in (r.element.args, r.element.args[::-1]):
        w = _bare(mine)
        if not isinstance(w, Load) or w.tensor not in weights:
            continue
        inner = [d for d, i in enumerate(w.index) if mentions(i, over)]
        outer = [d for d in range(len(w.index)) if d not in inner]
        if (
            inner
            and any(mentions(w.index[d], own) for d in outer)
            and not any(mentions(w.index[d], own) for d in inner)
        ):
            return Contraction(w, other, (*outer, *inner), len(inner))
    return None


def terms(s: Stage) -> Size:
    """How many terms each element of a stage folds."""
    return product(a.extent for a in s.reduction.axes) if s.reduction is not None else Size(1)


def is_short(s: Stage) -> bool:
    """May one thread fold all terms of an element?"""
    count = terms(s).constant
    return count is not None and count <= SHORT


def cheap(s: Stage, weights: Mapping[str, Weight], caches: frozenset[str]) -> bool:
    """May each block compute it for itself, if what it reads is there?"""
    sizes = [a.extent.constant for a in s.axes]
    count = terms(s).constant
    if len(s.axes) > 1 or count is None or any(x.tensor in caches for x in reads(s)):
        return False
    rows = 1
    for n in sizes:
        if n is None:
            return False
        rows *= n
    if contraction(s, weights) is not None and rows > REPLICATED_ROWS:
        return False
    return rows * count <= REPLICATED_WORK


def exact_product(e: Expr) -> bool:
    """Is it a product of two 16-bit floats in f32, which rounds nothing, so that a fused addition is the addition?"""
    if not (isinstance(e, Op) and e.name == "mul" and e.dtype is DType.F32):
        return False
    return all(isinstance(a, Cast) and a.arg.dtype.narrow for a in e.args)

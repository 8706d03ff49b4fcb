"""Arithmetic on extents: equality, broadcasting, products of open sizes, and the index map of a reshape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from tv.diagnostic import BadInput, Unknown, Unsupported
from tv.sets import Affine, Sets
from tv.sets.affine import ZERO, Ranges, floordiv, mod
from tv.sets.formulas import eq, negate

Shape = tuple[Affine, ...]
ONE = Affine.of(1)


def text(shape: Sequence[Affine]) -> str:
    return "[" + ", ".join(e.text() for e in shape) + "]"


def same_extent(sets: Sets, a: Affine, b: Affine) -> bool:
    """Are two extents equal for all values of the symbols? BadInput, or Unknown with open symbols, decides elsewhere."""
    if a == b:
        return True
    if (a - b).constant is not None:
        return False
    return sets.empty(sets.set("extent", (), negate(eq(a, b))))


def require_same(sets: Sets, a: Affine, b: Affine, what: str) -> None:
    """Two extents that an operator needs equal: BadInput where they never are, Unknown where it depends on symbols."""
    if same_extent(sets, a, b):
        return
    if sets.empty(sets.set("extent", (), eq(a, b))):
        raise BadInput("TV0302", f"{what}: extents {a.text()} and {b.text()} differ")
    raise Unknown("TV0320", f"{what}: extents {a.text()} and {b.text()} are not equal for every value of the symbols")


def broadcast(sets: Sets, shapes: Sequence[Shape], what: str) -> Shape:
    """numpy's rule; an open extent counts as itself, so N against 7 is only accepted where N is known to be 7."""
    rank = max(len(s) for s in shapes)
    out: list[Affine] = []
    for d in range(rank):
        extents = [s[d - rank + len(s)] for s in shapes if d - rank + len(s) >= 0]
        big = [e for e in extents if e != ONE]
        for e in big[1:]:
            require_same(sets, big[0], e, what)
        out.append(big[0] if big else ONE)
    return tuple(out)


def broadcast_index(shape: Shape, index: Sequence[Affine]) -> tuple[Affine, ...]:
    """The index into an operand of `shape` at `index` of the broadcast result."""
    tail = index[len(index) - len(shape) :]
    return tuple(ZERO if e == ONE else i for e, i in zip(shape, tail, strict=True))


# ------------------------------------------------------------------------------------------------ products
@dataclass(frozen=True, slots=True)
class Product:
    """coefficient * product of open extents (each with coprime coefficients, sorted by text)."""

    coefficient: int
    factors: tuple[Affine, ...]

    @staticmethod
    def of(extents: Sequence[Affine]) -> Product:
        c, factors = 1, []
        for e in extents:
            if e.constant is not None:
                c *= e.constant
                continue
            g = abs(e.const)
            for _, k in e.terms:
                g = gcd(g, k)
            c *= g
            factors.append(Affine(tuple((a, k // g) for a, k in e.terms), e.const // g))
        return Product(c, tuple(sorted(factors, key=Affine.text)) if c else ())

    def over(self, other: Product) -> Product | None:
        """The quotient, where it is one."""
        if other.coefficient == 0 or self.coefficient % other.coefficient:
            return None
        rest = list(self.factors)
        for f in other.factors:
            if f not in rest:
                return None
            rest.remove(f)
        return Product(self.coefficient // other.coefficient, tuple(rest))

    def extent(self, what: str) -> Affine:
        """As one extent; Unsupported where two open sizes are multiplied."""
        match self.factors:
            case ():
                return Affine.of(self.coefficient)
            case (one,):
                return one * self.coefficient
            case _:
                raise Unsupported(
                    "TV0314",
                    f"{what} multiplies the open sizes {text(self.factors)}",
                    help="give one of them a value: under [args] `m = 64` instead of a symbol",
                )


# ------------------------------------------------------------------------------------------------ reshape
def groups(source: Shape, target: Shape, what: str) -> list[tuple[list[int], list[int]]]:
    """Dimensions of both sides (extents of 1 left out) cut into the shortest runs of equal product."""
    if Product.of(source) != Product.of(target):
        raise BadInput("TV0302", f"{what}: {text(source)} and {text(target)} have different numbers of elements")
    a = [k for k, e in enumerate(source) if e != ONE]
    b = [k for k, e in enumerate(target) if e != ONE]
    out: list[tuple[list[int], list[int]]] = []
    while a or b:
        left, right = a[:1], b[:1]
        a, b = a[1:], b[1:]
        while not left or not right or Product.of([source[k] for k in left]) != Product.of([target[k] for k in right]):
            if a and (not b or _smaller([source[k] for k in left], [target[k] for k in right])):
                left.append(a.pop(0))
            else:  # equal products overall: one side has dimensions left
                right.append(b.pop(0))
        out.append((left, right))
    return out


def _smaller(left: Sequence[Affine], right: Sequence[Affine]) -> bool:
    """Should the left run grow first: is its product a divisor of the right one's, or else plainly smaller?"""
    p, q = Product.of(left), Product.of(right)
    if q.over(p) is not None:
        return True
    return p.over(q) is None and p.coefficient < q.coefficient


def reshape_index(
    source: Shape, target: Shape, index: Sequence[Affine], ranges: Ranges, what: str
) -> tuple[Affine, ...]:
    """The index into `source` of the element at `index` of `target`, in row-major order on both sides."""
    out = [ZERO] * len(source)
    if any(e.constant == 0 for e in (*source, *target)):
        return tuple(out)
    for left, right in groups(source, target, what):
        if len(left) == 1 and len(right) == 1:
            out[left[0]] = index[right[0]]
            continue
        linear, stride = ZERO, 1
        for n, k in enumerate(reversed(right)):
            linear = linear + index[k] * stride
            if n < len(right) - 1:
                stride *= _fixed(target[k], what)
        stride = 1
        for n, k in enumerate(reversed(left)):
            q = floordiv(linear, stride, ranges)
            if n < len(left) - 1:
                extent = _fixed(source[k], what)
                out[k] = mod(q, extent, ranges)
                stride *= extent
            else:
                out[k] = q
    return tuple(out)


def _fixed(e: Affine, what: str) -> int:
    if e.constant is None:
        raise Unsupported(
            "TV0314", f"{what} takes indices apart by the open size {e.text()}", help="give it a value in the spec"
        )
    return e.constant

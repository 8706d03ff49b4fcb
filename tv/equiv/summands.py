"""Which operations may be flattened, in what order, and what their summands are."""

from __future__ import annotations

from dataclasses import dataclass

from tv.sets import Map
from tv.term import Term, op_type

IDENTITY_BITS = {
    "f32": {"max": 0xFF800000, "min": 0x7F800000},
    "f16": {"max": 0xFC00, "min": 0x7C00},
    "bf16": {"max": 0xFF80, "min": 0x7F80},
}
UPPER = {"fmax": "fupper", "fmin": "flower"}  # by comparison: of a number a and any b the same but for a zero's sign
EXTREMA = {"fmax": "max", "fmin": "min", "fmaximum": "max", "fminimum": "min"}  # the latter propagate NaN
INTEGER = ("add", "smax", "smin", "umax", "umin", "and", "or", "xor")  # folds that no order changes
COMMUTATIVE = ("fadd", "fmul", *EXTREMA, "feq", "add", "mul", "and", "or", "xor", "eq")


@dataclass(frozen=True, slots=True)
class Contribution:
    """results -> instances of the leaf's scope; each (result, instance) is met exactly once.

    idle: the part of reach at which the leaf is an identity that the result starts from anyway: it may have no partner.
    """

    reach: Map
    leaf: Term
    idle: Map | None = None


def accumulates(name: str) -> bool:
    """May terms of this operation be flattened and reordered: wide float sums, maxima of any float type, folds of integers."""
    head, kind = name.split(".")[0], op_type(name)
    return (head == "fadd" and kind in ("f32", "f64")) or head in EXTREMA or integral(name)


def integral(op: str) -> bool:
    """A fold of integers: in any order, and with its identity added or left out, the same bits."""
    return op.split(".")[0] in INTEGER and op_type(op).startswith("i")


def counted(op: str) -> bool:
    """Does it matter how often a term occurs?"""
    return op.split(".")[0] in ("fadd", "add", "xor")


def integer_identity(op: str) -> int:
    """The bits that leave every integer as it is."""
    head, width = op.split(".")[0], int(op_type(op)[1:])
    return {
        "and": (1 << width) - 1,
        "umin": (1 << width) - 1,
        "smin": (1 << (width - 1)) - 1,
        "smax": 1 << (width - 1),
    }.get(head, 0)

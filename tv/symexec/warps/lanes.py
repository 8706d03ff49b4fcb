"""Which lanes a warp instruction names: its mask operand as conditions on threads (S9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

from tv.diagnostic import Unsupported
from tv.sets import FALSE, TRUE, Affine, Formula
from tv.sets.formulas import all_of, any_of, eq, negate, within
from tv.source import Span
from tv.symexec.instances import LaunchSpace
from tv.symexec.integers import Integers
from tv.symexec.values import Node, Value, node_of

FULL = 0xFFFFFFFF
WARP = 32
MOST = 64  # different values of a mask that are told apart


@dataclass(frozen=True, slots=True)
class Named:
    """Where an executing instance satisfies `cond`, it names the lanes of `mask`; None: those of a ballot.

    lanes: the same as a condition on the coordinates of any thread of its warp, in the instance's loop rounds.
    """

    cond: Formula
    mask: int | None
    lanes: Formula


EVERY = (Named(TRUE, FULL, TRUE),)


def named_lanes(v: Value, space: LaunchSpace, integers: Integers, span: Span) -> tuple[Named, ...]:
    """The lanes that a mask names, by disjoint conditions on who executes. Raises Unsupported (TV0508)."""
    if v.lanes is not None:
        return (Named(TRUE, None, v.lanes),)
    masks = constants_of(node_of(v), integers)
    if masks is None and integers.holds(TRUE, FALSE):
        return EVERY  # nothing executes this, or it is not known yet how the thread's index is taken apart
    if masks is None:
        help = "name the lanes by a constant, by shifts of one, or by a ballot over the whole warp"
        raise Unsupported("TV0508", "a warp instruction whose mask is not known before the kernel runs", span, help)
    by_mask: dict[int, list[Formula]] = {}
    for cond, m in masks:
        by_mask.setdefault(m & FULL, []).append(cond)
    if len(by_mask) > 1:
        met = {m: cs for m, cs in by_mask.items() if not integers.holds(TRUE, negate(any_of(*cs)))}
        by_mask = met or by_mask
    lane = integers.remainder(space.linear, WARP)
    whole = len(by_mask) == 1
    return tuple(Named(TRUE if whole else any_of(*cs), m, inside(lane, m)) for m, cs in by_mask.items())


def inside(lane: Affine, mask: int) -> Formula:
    """Is the bit of `lane`, in 0..31, set in the mask?"""
    if mask == FULL:
        return TRUE
    runs, at = [], 0
    while mask >> at:
        length = 0
        while (mask >> at >> length) & 1:
            length += 1
        if length:
            runs.append(within(lane - at, length))
        at += length or 1
    return any_of(*runs) if runs else FALSE


def straight(space: LaunchSpace) -> bool:
    """Do warps consist of whole rows, or rows of whole warps, and planes likewise? Above the last axis nothing repeats."""
    bx, by, bz = space.block
    return all(n % WARP == 0 or WARP % n == 0 or above == 1 for n, above in ((bx, by * bz), (bx * by, bz)))


def mixed_lanes(space: LaunchSpace) -> set[str]:
    """Thread digits that differ within some warp."""
    return {d for d, w in space.weights.items() if w < WARP or w % WARP or not straight(space)}


Numbers = list[tuple[Formula, int]]

OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "shl": lambda a, b: a << b,
    "lshr": lambda a, b: a >> b,
}


def constants_of(n: Node, integers: Integers, most: int | None = None) -> Numbers | None:
    """A value as few numbers (of its width, unsigned) by conditions on the instance that cover; None where that is not seen.

    most: the value is known to lie in 0..most.
    """
    match n.kind:
        case "const":
            return [(TRUE, n.bits)]
        case "index":
            return _joined([(c, numbers_of(a, n.width, integers, most)) for c, a in n.pieces])
        case "case":
            return _joined([(c, constants_of(a, integers, most)) for c, a in zip(n.conditions, n.args, strict=True)])
        case "op" if n.name.partition(".")[0] in OPERATIONS and len(n.args) == 2:
            return _operated(n, integers)
        case _:
            return None


def _operated(n: Node, integers: Integers) -> Numbers | None:
    name = n.name.partition(".")[0]
    shift = name in ("shl", "lshr")  # none goes past the width: that is an obligation where it stands
    a, b = constants_of(n.args[0], integers), constants_of(n.args[1], integers, n.width - 1 if shift else None)
    if a is None or b is None or len(a) * len(b) > MOST:
        return None
    if shift:
        b = [(c, k) for c, k in b if k < n.width]
    out = [(all_of(c, d), OPERATIONS[name](x, y) & ((1 << n.width) - 1)) for c, x in a for d, y in b]
    return [(c, x) for c, x in out if c.op != "false"]


def _joined(parts: list[tuple[Formula, Numbers | None]]) -> Numbers | None:
    out: Numbers = []
    for cond, numbers in parts:
        if numbers is None:
            return None
        out += [(all_of(cond, c), x) for c, x in numbers]
    return out if len(out) <= MOST else None


def numbers_of(a: Affine, width: int, integers: Integers, most: int | None) -> Numbers | None:
    """The values of an affine expression that takes few."""
    if a.constant is not None:
        return [(TRUE, a.constant & ((1 << width) - 1))]
    low, high = a.interval(integers.ranges)
    step = gcd(*(c for _, c in a.terms))
    if most is not None:
        low, high = max(low or 0, 0), min(most if high is None else high, most)
    if low is None or high is None or (high - low) // step >= MOST:
        return None
    first = low + (a.const - low) % step
    return [(eq(a, x), x & ((1 << width) - 1)) for x in range(first, high + 1, step)]

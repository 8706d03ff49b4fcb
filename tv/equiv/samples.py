"""Lemmas tried on numbers before a solver is asked: most that are false are false at some ordinary or special value.

Part of the search: what passes here is not proved, what fails is only not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tv.arithmetic import apply, decode, signed
from tv.diagnostic import Unsupported
from tv.equiv.lemmas import Pair, subterms
from tv.graph import Supposed
from tv.term import Term

COUNT = 192
SPECIAL = {
    16: (0, 0x8000, 1, 0x8001, 0x3C00, 0xBC00, 0x4000, 0x7C00, 0xFC00, 0x7E00, 0x7BFF, 0x3F80, 0x7F80, 0x7FC0),
    32: (0, 1 << 31, 1, 0x80000001, 0x3F800000, 0xBF800000, 0x40000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F7FFFFF),
}
Column = npt.NDArray[np.uint64]


class Values:
    """Columns of numbers for variables, the same in every run: special ones, small floats, any bits."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)

    def column(self, width: int) -> Column:
        any_bits = (
            self.rng.integers(0, 1 << width, COUNT, dtype=np.uint64, endpoint=False) if width < 64 else self._wide()
        )
        special = np.array(SPECIAL.get(width, (0, 1, (1 << width) - 1, 1 << (width - 1))), np.uint64)
        drawn = special[self.rng.integers(0, len(special), COUNT)]
        small = self._small(width) if width in (16, 32) else any_bits
        which = self.rng.integers(0, 3, COUNT)
        return np.where(which == 0, drawn, np.where(which == 1, small, any_bits))

    def _wide(self) -> Column:
        return self.rng.integers(0, np.iinfo(np.uint64).max, COUNT, dtype=np.uint64)

    def _small(self, width: int) -> Column:
        numbers = self.rng.integers(-40, 41, COUNT).astype(np.float32) / np.float32(4)
        if width == 32:
            return numbers.view(np.uint32).astype(np.uint64)
        return numbers.astype(np.float16).view(np.uint16).astype(np.uint64)


def plausible(
    kernel: Term, graph: Term, pairs: Sequence[Pair], nan: str, facts: Sequence[tuple[Term, Supposed]] = ()
) -> bool:
    """Do both terms agree at all values tried that the facts allow? nan, facts: as in `lemma_text`. True too where they cannot be
    evaluated."""
    values = Values()
    ours: dict[int, Column] = {}
    theirs: dict[int, Column] = {}
    for p in pairs:
        known = ours.get(p.kernel.id)
        shared = known if known is not None else theirs.get(p.graph.id)
        shared = values.column(p.kernel.width) if shared is None else shared
        ours[p.kernel.id] = theirs[p.graph.id] = shared
    try:
        a = evaluate(kernel, ours, values)[kernel.id]
        there = evaluate(graph, theirs, values)
        b = there[graph.id]
        same = a == b
        for t, s in facts:
            same |= ~allowed(there[t.id], t.width, s)
        if nan:
            same |= (apply(f"fisnan.{nan}", [a]) & apply(f"fisnan.{nan}", [b])).astype(bool)
    except Unsupported:
        return True
    return bool(same.all())


def allowed(x: Column, width: int, s: Supposed) -> npt.NDArray[np.bool_]:
    """Where a value is what is supposed of it."""
    floating = s.label.lstrip("b")[0] == "f"
    with np.errstate(all="ignore"):
        number = decode(x, s.label).astype(np.float64) if floating else x
    good = ~np.isnan(number) if floating else np.ones(COUNT, np.bool_)
    number = (signed(x, width) if s.label.startswith("i") else number).astype(np.float64)
    low, high = (None if a is None else a.constant for a in (s.low, s.high))
    good &= np.ones(COUNT, np.bool_) if low is None else number > low - 1
    return good & (np.ones(COUNT, np.bool_) if high is None else number < high + 1)


def evaluate(root: Term, known: dict[int, Column], values: Values) -> dict[int, Column]:
    """The values of a term and of what is below it, by id; of a leaf that is not known, any. Raises Unsupported for an operation
    without evaluation."""
    done: dict[int, Column] = {}
    for t in subterms(root):
        if t.id in known:
            done[t.id] = known[t.id]
        elif t.kind == "const":
            done[t.id] = np.full(COUNT, t.bits, np.uint64)
        elif t.kind != "op":
            done[t.id] = values.column(t.width)
        else:
            done[t.id] = operation(t, [done[a.id] for a in t.args])
    return done


def operation(t: Term, args: list[Column]) -> Column:
    if t.name != "concat":
        return apply(t.name, args)
    out, at = np.zeros(COUNT, np.uint64), 0
    for part, x in zip(t.args, args, strict=True):
        out, at = out | x << np.uint64(at), at + part.width
    return out

"""Tensors as the rules see them, and shapes with numpy's broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from megac import index as ix
from megac.dtype import DType
from megac.errors import CompileError
from megac.ir import Const, Index
from megac.size import ONE, Size

Shape = tuple[Size, ...]
Known = np.ndarray[Any, Any]  # of Size objects
KNOWN_LIMIT = 4096  # elements


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the graph.

    name: the leaf or stage that holds it; full: is that read by indices of full rank (a leaf), or without those of
    extent 1 (a stage)? known: its elements where they are integers or booleans (0, 1) that the shapes decide. uniform:
    what every element is. Of a known or uniform tensor no stage need exist.
    """

    name: str
    shape: Shape
    dtype: DType
    full: bool = False
    known: Known | None = field(default=None, repr=False, compare=False)
    uniform: Const | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)


def known_of(values: np.ndarray[Any, Any]) -> Known:
    """Integers or booleans as sizes."""
    out = np.empty(values.shape, dtype=object)
    for place, v in np.ndenumerate(values):
        out[place] = Size(int(v))
    return out


def valid(shape: Shape) -> Shape:
    """The shape; raises CompileError where an extent may be below 0."""
    for e in shape:
        if not e.never_negative:
            raise CompileError(f"its result has an extent of {e}, which may be negative")
    return shape


def small(shape: Shape) -> bool:
    """Is it known how many elements there are, and are these few enough to be kept as numbers?"""
    count = 1
    for e in shape:
        count *= e.const
        if e.constant is None or count > KNOWN_LIMIT:
            return False
    return True


def shape_text(shape: Sequence[Size]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """numpy's; raises CompileError where extents differ, or may."""
    rank = max(len(s) for s in shapes)
    out: list[Size] = []
    for k in range(rank):
        here = {s[len(s) - rank + k] for s in shapes if len(s) - rank + k >= 0}
        wide = here - {ONE}
        if len(wide) > 1:
            raise CompileError(f"shapes {' and '.join(map(shape_text, shapes))} do not broadcast")
        out.append(wide.pop() if wide else ONE)
    return tuple(out)


def broadcast_index(shape: Shape, own: Sequence[Index]) -> tuple[Index, ...]:
    """Where an operand of this shape is read for an element of the broadcast result."""
    last = own[len(own) - len(shape) :] if shape else ()
    return tuple(ix.constant(0) if e == ONE else i for e, i in zip(shape, last, strict=True))


def normal_axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise CompileError(f"axis {axis} of {rank} dimensions")
    return axis % rank

"""Warp instructions that the lanes of one mask may meet in several places, and barriers of the grid that blocks may.

Lanes named by a mask wait for each other until each has executed the same intrinsic with the same mask (CUDA C++ guide, "Warp Shuffle
Functions"; PTX ISA, `shfl.sync`, `bar.warp.sync`), not the same line of the text. The interpreter executes a statement for all
lanes that are there. That another lane is not there shows something only where it comes to no such instruction any more.
Likewise of blocks at a barrier of the grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unknown
from tv.kernel import Barrier, Shuffle, Stmt, Vote, walk
from tv.replay.frame import Frame
from tv.source import Span

Kind = tuple[str, str]


def kind_of(s: Stmt) -> Kind | None:
    """What threads have to have in common to wait for each other there; None: no such statement."""
    match s:
        case Shuffle(mode=mode):
            return "shuffle", mode
        case Vote(scope="warp", mode=mode):
            return "vote", mode
        case Barrier(scope="warp" | "grid"):
            return "barrier", s.scope
        case _:
            return None


def kinds(body: tuple[Stmt, ...]) -> frozenset[Kind]:
    return frozenset(k for s in walk(body) if (k := kind_of(s)) is not None)


def require_here(frame: Frame, s: Stmt, absent: NDArray[np.bool_], span: Span) -> None:
    """Raises Unknown (TV0712) where one of these threads may yet come to a statement like `s`, in another place or another round."""
    kind = kind_of(s)
    again = any((absent & loop.round.flags).any() for loop in frame.loops if loop.round is not None)
    for branch in frame.branches:
        again = again or (kind in branch.later and bool((absent & ~branch.mask.flags).any()))
        absent = absent & branch.mask.flags
    if again or (kind in frame.later and absent.any()):
        raise two_places(span)


def two_places(span: Span) -> Unknown:
    text = "threads may wait for each other in two places here, which the interpreter does not follow"
    return Unknown("TV0712", text, span, "let all of them execute one statement")

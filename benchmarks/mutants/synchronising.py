"""Operators on what orders threads, and on how often and whether statements run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from c_tokens import Kind

from mutants.registry import operator
from mutants.source import Change, Source, Statement

_WAITS = frozenset(
    "__syncthreads __syncwarp __threadfence __threadfence_block __threadfence_system __pipeline_wait_prior".split()
)
_WEAKER = {
    "__syncthreads": "__syncwarp",
    "__threadfence": "__threadfence_block",
    "__threadfence_system": "__threadfence_block",
}
_FULL = frozenset("0xffffffff 0xffffffffu 0xffffffffU 0xFFFFFFFF 0xFFFFFFFFu 0xFFFFFFFFU ~0u ~0U".split())
_EDGES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_BELOW_COMPARISON = frozenset("&& || ? : , = | ^ &".split())


def is_barrier(s: Source, x: Statement) -> bool:
    """`__syncthreads();`, a fence, a wait for copies, or `group.sync();`."""
    if x.kind != "simple":
        return False
    method = s.word(x.first + 1) == "." and s.word(x.first + 2) == "sync"
    group = "sync" in (s.word(x.last - 3), s.word(x.first)) and s.word(x.last - 2) == "("
    return s.word(x.first) in _WAITS or method or group


@operator
def barrier_dropped(s: Source) -> Iterator[Change]:
    """A barrier, fence or wait is left out."""
    for x in s.statements():
        if is_barrier(s, x):
            yield s.put(x.first, x.last + 1, ";")


@operator
def barrier_moved(s: Source) -> Iterator[Change]:
    """A barrier changes places with the statement before or after it, or goes into it."""
    for row in s.lists():
        for a, b in pairwise(row):
            if is_barrier(s, a) == is_barrier(s, b):
                continue
            yield s.swapped((a.first, a.last + 1), (b.first, b.last + 1))
            other, barrier = (b, a) if is_barrier(s, a) else (a, b)
            block = next((x for x in other.inner if x.kind == "block"), None)
            if block is not None:
                yield _into(s, barrier, block)


def _into(s: Source, barrier: Statement, block: Statement) -> Change:
    text = s.between(barrier.first, barrier.last + 1)
    opened, closed = s.parts[block.first], s.parts[block.last]
    gone = (s.parts[barrier.first].at, s.parts[barrier.last].end, "")
    if barrier.first < block.first:
        return Change((gone, (opened.end, opened.end, f" {text}")))
    return Change(((closed.at, closed.at, f"{text} "), gone))


@operator
def barrier_weakened(s: Source) -> Iterator[Change]:
    """A barrier for fewer threads, a fence for fewer, a wait that leaves a copy pending, a mask that names half of the lanes."""
    for x in s.statements():
        if not is_barrier(s, x):
            continue
        word = s.word(x.first)
        if word in _WEAKER:
            yield s.put(x.first, x.first + 1, _WEAKER[word])
        elif word == "__pipeline_wait_prior":
            yield s.put(x.first + 2, x.last - 1, f"{s.between(x.first + 2, x.last - 1)} + 1")
        elif ".sync" in s.between(x.first, x.last).replace(" ", ""):
            yield s.put(x.first, x.last, "__syncthreads()")
        if word in ("__syncthreads", "__syncwarp"):
            yield s.put(x.first, x.last, f"if (threadIdx.x != 0) {s.between(x.first, x.last)}")
    for i in s.inside():
        if s.word(i) in _FULL and s.word(i - 1) == "(" and s.word(i - 2).endswith("_sync"):
            yield s.put(i, i + 1, "0x0000ffffu")
            yield s.put(i, i + 1, "0x7fffffffu")


def _comparisons(s: Source, first: int, stop: int) -> Iterator[tuple[int, int]]:
    """(the comparison, where its right side ends) for each between two parts, at any depth."""
    for i in range(first, stop):
        if s.parts[i].kind is Kind.MARK and s.word(i) in _EDGES and s.is_binary(i):
            yield i, min(stop, s.operand(i + 1, _BELOW_COMPARISON))


@operator
def bound_by_one(s: Source) -> Iterator[Change]:
    """A loop starts or ends one round earlier or later."""
    for x in s.statements():
        if x.kind == "for" and len(x.heads) == 3:
            yield from _start(s, *x.heads[0])
            condition = x.heads[1]
        elif x.kind in ("while", "do"):
            condition = x.heads[0]
        else:
            continue
        for i, end in _comparisons(s, *condition):
            yield s.put(i + 1, end, f"({s.between(i + 1, end)}) + 1")
            yield s.put(i + 1, end, f"({s.between(i + 1, end)}) - 1")
            if s.word(i) in ("<", "<=", ">", ">="):
                yield s.put(i, i + 1, _EDGES[s.word(i)])


def _start(s: Source, first: int, stop: int) -> Iterator[Change]:
    for i in range(first, stop):
        if s.word(i) == "=":
            end = s.operand(i + 1, frozenset(","))
            yield s.put(i + 1, end, f"({s.between(i + 1, end)}) + 1")


@operator
def guard_changed(s: Source) -> Iterator[Change]:
    """A condition is moved to its edge, negated, shifted by one, or left out."""
    for x in s.statements():
        if x.kind != "if":
            continue
        first, stop = x.heads[0]
        for i, end in _comparisons(s, first, stop):
            yield s.put(i, i + 1, _EDGES[s.word(i)])
            yield s.put(i + 1, end, f"({s.between(i + 1, end)}) + 1")
        yield s.put(first, stop, f"!({s.between(first, stop)})")
        yield s.put(first, stop, "true")
        yield s.put(first, stop, "false")


@operator
def choice_changed(s: Source) -> Iterator[Change]:
    """A comparison outside of conditions of statements: `a > b ? a : b` and the like; or its two results exchanged."""
    heads = [r for x in s.statements() for r in x.heads]
    for i in s.inside():
        if s.parts[i].kind is not Kind.MARK or any(a <= i < b for a, b in heads):
            continue
        if s.word(i) in _EDGES and s.is_binary(i) and not _closes_template(s, i):
            yield s.put(i, i + 1, _EDGES[s.word(i)])
        if s.word(i) == "?":
            middle = s.operand(i + 1, frozenset(":"))
            if s.word(middle) == ":":
                end = s.operand(middle + 1, frozenset(",:"))
                yield s.swapped((i + 1, middle), (middle + 1, end))


def _closes_template(s: Source, i: int) -> bool:
    return s.word(i) in "<>" and (s.word(i - 1).endswith("_cast") or (s.word(i) == ">" and s.word(i + 1) == "("))


@operator
def statements_swapped(s: Source) -> Iterator[Change]:
    """Two statements that follow each other are exchanged."""
    for row in s.lists():
        for a, b in pairwise(row):
            if is_barrier(s, a) or is_barrier(s, b) or "label" in (a.kind, b.kind):
                continue
            if s.between(a.first, a.last) != s.between(b.first, b.last):
                yield s.swapped((a.first, a.last + 1), (b.first, b.last + 1))


@operator
def statement_dropped(s: Source) -> Iterator[Change]:
    """A statement that declares nothing is left out."""
    for x in s.statements():
        if x.kind == "simple" and not is_barrier(s, x) and x.last > x.first:
            yield s.put(x.first, x.last + 1, ";")

"""Operators on where memory is accessed: subscripts, strides, masks and shifts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from c_names import TYPES
from c_tokens import Kind

from mutants.registry import operator
from mutants.source import Change, Source

_AXES = {"threadIdx", "blockIdx", "blockDim", "gridDim"}
_OTHER = {"threadIdx": "blockIdx", "blockIdx": "threadIdx"}
_STEPS = {"+=", "-=", "*=", "/="}
_SHIFTS = {"<<": ">>", ">>": "<<", "<<=": ">>=", ">>=": "<<="}
_BELOW_SUM = frozenset("+ - << >> < > <= >= == != & ^ | && || ? : , = += -= *= /=".split())
_BELOW_SHIFT = frozenset("<< >> < > <= >= == != & ^ | && || ? : , =".split())
_SHUFFLES = {"__shfl_sync", "__shfl_xor_sync", "__shfl_down_sync", "__shfl_up_sync"}


def _subscripts(s: Source) -> Iterator[tuple[int, int]]:
    """(first, stop) of what stands in every subscript; extents in declarations are none."""
    declared = [x for x in s.statements() if x.kind == "declaration"]
    extents = set()
    for x in declared:
        i = x.first
        while i < x.last and s.word(i) != "=":
            if s.word(i) == "[":
                extents.add(i)
            i += 1
    for i in s.inside():
        if s.word(i) == "[" and i not in extents and s.pair[i] > i + 1 and s.word(i - 1) not in ("=", "(", ","):
            yield i + 1, s.pair[i]


@operator
def index_offset(s: Source) -> Iterator[Change]:
    """A neighbour of the element."""
    for first, stop in _subscripts(s):
        inside = s.between(first, stop)
        for new in (f"({inside}) + 1", f"({inside}) - 1", f"({inside}) ^ 1"):
            yield s.put(first, stop, new)


@operator
def index_scaled(s: Source) -> Iterator[Change]:
    """Every other element, or each twice."""
    for first, stop in _subscripts(s):
        inside = s.between(first, stop)
        yield s.put(first, stop, f"({inside}) * 2")
        yield s.put(first, stop, f"({inside}) / 2")


@operator
def index_swapped(s: Source) -> Iterator[Change]:
    """Two names of an index, or two subscripts, exchanged; another axis, or the block's place for the thread's."""
    for first, stop in _subscripts(s):
        names = [
            i
            for i in range(first, stop)
            if s.parts[i].kind is Kind.NAME and s.word(i) not in TYPES and s.word(i - 1) != "."
        ]
        plain = [i for i in names if s.word(i) not in _AXES and s.word(i + 1) != "("]
        for a, b in pairwise(plain):
            if s.word(a) != s.word(b) and (b, s.word(a + 1)) != (a + 2, "*"):
                yield s.swapped((a, a + 1), (b, b + 1))
        if s.word(stop + 1) == "[" and s.between(first, stop) != s.between(stop + 2, s.pair[stop + 1]):
            yield s.swapped((first, stop), (stop + 2, s.pair[stop + 1]))
    for i in s.inside():
        if s.word(i) in _AXES and s.word(i + 1) == ".":
            yield s.put(i + 2, i + 3, "y" if s.word(i + 2) == "x" else "x")
            if s.word(i) in _OTHER:
                yield s.put(i, i + 1, _OTHER[s.word(i)])


@operator
def stride_changed(s: Source) -> Iterator[Change]:
    """A loop's step, or what an index is multiplied by."""
    for x in s.statements():
        if x.kind == "for" and len(x.heads) == 3:
            yield from _step(s, *x.heads[2])
    for i in _products(s):
        for k in (i - 1, i + 1):
            word = s.parts[k]
            if word.kind is Kind.NUMBER or (
                word.kind is Kind.NAME and s.word(k + 1) not in ("(", ".") and s.word(k - 1) != "."
            ):
                yield s.put(k, k + 1, f"({word.text} + 1)")


def _step(s: Source, first: int, stop: int) -> Iterator[Change]:
    for i in range(first, stop):
        word = s.word(i)
        if word in _STEPS:
            end = s.operand(i + 1, frozenset(","))
            yield s.put(i + 1, end, f"2 * ({s.between(i + 1, end)})")
            if word in ("+=", "-="):
                yield s.put(i + 1, end, f"({s.between(i + 1, end)}) + 1")
        elif word in ("++", "--"):
            name = i + 1 if s.parts[min(i + 1, stop - 1)].kind is Kind.NAME and i + 1 < stop else i - 1
            low, high = min(i, name), max(i, name)
            yield s.put(low, high + 1, f"{s.word(name)} {word[0]}= 2")


def _products(s: Source) -> Iterator[int]:
    """The `*` of every product in a subscript, and of those that a pointer or an integer is declared with."""
    for i in s.inside():
        if s.word(i) == "*" and s.is_binary(i) and s.in_index(i):
            yield i
    for x in s.statements():
        whole = {s.word(k) for k in range(x.first, x.last)}
        if x.kind == "declaration" and ({"int", "size_t", "long", "unsigned"} & whole or s.word(x.first + 2) == "*"):
            equals = next((k for k in range(x.first, x.last) if s.word(k) == "="), x.last)
            yield from (i for i in range(equals, x.last) if s.word(i) == "*" and s.is_binary(i) and not s.in_index(i))


@operator
def mask_changed(s: Source) -> Iterator[Change]:
    """Which bits a mask keeps, what is divided by for a remainder, which lane a shuffle asks."""
    for i in s.inside():
        word = s.word(i)
        if word in ("&", "%", "^", "&=", "%=") and s.is_binary(i):
            end = s.operand(i + 1, _BELOW_SUM | {"*", "/", "%"})
            old = s.between(i + 1, end)
            yield s.put(i + 1, end, f"(({old}) + 1)")
            yield s.put(i + 1, end, f"(({old}) * 2)")
        if word in _SHUFFLES and s.word(i + 1) == "(":
            given = s.arguments(i + 1)
            if len(given) > 2:
                old = s.between(*given[2])
                yield s.put(*given[2], f"({old}) / 2")
                yield s.put(*given[2], f"({old}) ^ 1")


@operator
def shift_changed(s: Source) -> Iterator[Change]:
    """A shift by one more or less, or in the other direction."""
    for i in s.inside():
        word = s.word(i)
        if word in _SHIFTS and s.is_binary(i):
            end = s.operand(i + 1, _BELOW_SHIFT)
            yield s.put(i + 1, end, f"(({s.between(i + 1, end)}) + 1)")
            yield s.put(i + 1, end, f"(({s.between(i + 1, end)}) - 1)")
            yield s.put(i, i + 1, _SHIFTS[word])

"""Operators on what is computed: terms, starting values, constants, operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from c_tokens import Kind

from mutants.registry import operator
from mutants.source import Change, Source

_BELOW_SUM = frozenset("+ - << >> < > <= >= == != & ^ | && || ? : , = += -= *= /= |= &=".split())
_BELOW_PRODUCT = _BELOW_SUM | {"*", "/", "%"}
_OTHER_MARK = {
    "+": ("-", "*"), "-": ("+",), "*": ("+",), "/": ("*",), "+=": ("-=", "="), "-=": ("+=",), "*=": ("+=",), "&&": ("||",),
    "||": ("&&",), "|": ("&",), "|=": ("&=",),
}  # fmt: skip
_OTHER_NAME = {
    "fmaxf": "fminf", "fminf": "fmaxf", "max": "min", "min": "max", "__hmax": "__hmin", "__hmin": "__hmax", "__hadd": "__hsub",
    "__hsub": "__hadd", "__hmul": "__hadd", "__hadd2": "__hsub2", "__hmul2": "__hadd2", "__hmax2": "__hmin2", "__hmin2": "__hmax2",
    "__hadd_rn": "__hsub_rn", "__hsub_rn": "__hadd_rn", "__hmul_rn": "__hadd_rn", "__hadd2_rn": "__hsub2_rn", "__hmul2_rn": "__hadd2_rn",
    "__hfma": "__hfma_sat", "__hgt": "__hge", "__hge": "__hgt", "__hlt": "__hle", "atomicMin": "atomicMax", "atomicSub": "atomicAdd",
    "__fadd_rn": "__fsub_rn", "__fmul_rn": "__fadd_rn", "__fsub_rn": "__fadd_rn", "sqrtf": "rsqrtf", "rsqrtf": "sqrtf", "expf": "exp2f",
    "logf": "log2f", "tanhf": "erff", "erff": "tanhf", "fabsf": "expf", "__shfl_xor_sync": "__shfl_down_sync",
    "__shfl_down_sync": "__shfl_up_sync", "__shfl_up_sync": "__shfl_down_sync", "atomicAdd": "atomicMax", "atomicMax": "atomicAdd",
    "__any_sync": "__all_sync", "__all_sync": "__any_sync", "__low2float": "__high2float", "__high2float": "__low2float",
    "__low2half": "__high2half", "__high2half": "__low2half", "__reduce_add_sync": "__reduce_max_sync",
    "__reduce_max_sync": "__reduce_min_sync",
}  # fmt: skip
_FLOAT = re.compile(r"(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?([fF]?)$")
_DEFINED = re.compile(r"^[ \t]*#[ \t]*define[ \t]+\w+[ \t]+(\d+)[ \t]*$", re.MULTILINE)
_INTEGER = re.compile(r"(\d+)([uUlL]*)$")


@operator
def term_dropped(s: Source) -> Iterator[Change]:
    """A summand or a factor is left out."""
    for i in s.inside():
        word = s.word(i)
        if word not in ("+", "-", "*", "/") or not s.is_binary(i):
            continue
        stops = _BELOW_SUM if word in "+-" else _BELOW_PRODUCT
        yield s.put(i, s.operand(i + 1, stops), "")
        start = s.operand_before(i, stops)
        if word in "+*" and start < i:
            yield s.put(start, i + 1, "")


@operator
def initial_value(s: Source) -> Iterator[Change]:
    """A variable starts from another number."""
    for x in s.statements():
        if x.kind not in ("declaration", "simple", "for"):
            continue
        first, stop = x.heads[0] if x.kind == "for" and x.heads else (x.first, x.last)
        for i in range(first, stop):
            if s.word(i) == "=" and s.bracket(i) == s.bracket(first):
                new = _start(s, i + 1, s.operand(i + 1, frozenset(",")))
                yield from (s.put(i + 1, s.operand(i + 1, frozenset(",")), n) for n in new)


def _start(s: Source, first: int, stop: int) -> tuple[str, ...]:
    """What a variable may start from instead of the literal between two parts; () where there is another expression."""
    words = [s.word(k) for k in range(first, stop)]
    sign, word = (words[0], words[1:]) if words[:1] == ["-"] else ("", words)
    if word == ["INFINITY"]:
        return ("0.0f", "INFINITY" if sign else "-INFINITY")
    if word == ["FLT_MAX"]:
        return ("0.0f", "-1.0f")
    if len(word) != 1 or s.parts[stop - 1].kind is not Kind.NUMBER:
        return ()
    zero = not float(re.sub(r"[fFuUlL]+$", "", word[0]) or 0) if not word[0].startswith("0x") else False
    if _FLOAT.match(word[0]):
        return ("1.0f", "-0.0f") if zero else ("0.0f",)
    return ("1",) if zero else ("0",)


@operator
def constant_last_bits(s: Source) -> Iterator[Change]:
    """A constant one step off: the next float, the next integer."""
    for i in s.inside():
        word = s.word(i)
        if s.parts[i].kind is not Kind.NUMBER or s.in_index(i):
            continue
        if m := _FLOAT.match(word):
            value = np.float32(word.rstrip("fF"))
            for to in (np.inf, -np.inf):
                near = float(np.nextafter(value, np.float32(to)))
                yield s.put(i, i + 1, f"({near!r}{m[1] or ''})" if near >= 0 else f"({near!r}f)")
        elif m := _INTEGER.match(word):
            yield s.put(i, i + 1, f"{int(m[1]) + 1}{m[2]}")


@operator
def defined_constant(s: Source) -> Iterator[Change]:
    """A macro has another value."""
    for m in _DEFINED.finditer(s.text):
        for new in (int(m[1]) + 1, int(m[1]) - 1, int(m[1]) * 2):
            yield Change(((*m.span(1), str(new)),))


@operator
def operation_changed(s: Source) -> Iterator[Change]:
    """Another operation: minus for plus, the lesser for the greater, another shuffle."""
    for i in s.inside():
        word = s.word(i)
        if word in _OTHER_NAME and s.word(i + 1) == "(":
            yield s.put(i, i + 1, _OTHER_NAME[word])
        elif s.parts[i].kind is Kind.MARK and word in _OTHER_MARK and not s.in_index(i) and s.is_binary(i):
            for other in _OTHER_MARK[word]:
                yield s.put(i, i + 1, other)


@operator
def operands_swapped(s: Source) -> Iterator[Change]:
    """Two arguments of a call, or the sides of a difference or quotient, exchanged."""
    for i in s.inside():
        if (
            s.parts[i].kind is Kind.NAME
            and s.word(i + 1) == "("
            and i > 0
            and s.word(i) not in ("if", "for", "while", "switch")
        ):
            given = s.arguments(i + 1)
            for a, b in pairwise(given):
                if a[0] < a[1] and b[0] < b[1] and s.between(*a) != s.between(*b):
                    yield s.swapped(a, b)
        elif s.word(i) in ("-", "/") and s.is_binary(i) and not s.in_index(i):
            stops = _BELOW_SUM if s.word(i) == "-" else _BELOW_PRODUCT
            start, end = s.operand_before(i, stops), s.operand(i + 1, stops)
            if start < i and i + 1 < end:
                yield s.swapped((start, i), (i + 1, end))

"""Operators on how numbers are held and rounded: types, casts, roundings, and fast forms of functions."""

from __future__ import annotations

from collections.abc import Iterator

from c_names import TYPES

from mutants.registry import operator
from mutants.source import WORDS_OF_TYPES, Change, Source

_BELOW_PRODUCT = frozenset("+ - * / % << >> < > <= >= == != & ^ | && || ? : , = += -= *= /= |= &=".split())
_BELOW_ALL = frozenset((",",))
_ROUNDED = {
    "__float2half": ("__float2half_rz", "__float2half_ru"),
    "__float2half_rn": ("__float2half_rz", "__float2half_rd"),
    "__float2bfloat16": ("__float2bfloat16_rz",),
    "__float2bfloat16_rn": ("__float2bfloat16_rz",),
    "__float2int_rn": ("__float2int_rz", "__float2int_ru"),
    "__float2int_rz": ("__float2int_rn",),
    "__fadd_rn": ("__fadd_rz",), "__fmul_rn": ("__fmul_rz",), "__fsub_rn": ("__fsub_rz",), "__fmaf_rn": ("__fmaf_rz",),
    "__fdiv_rn": ("__fdiv_rz",), "__fsqrt_rn": ("__fsqrt_rz",), "__int2float_rn": ("__int2float_rz",),
    "__frcp_rn": ("__frcp_rz",),
    "rintf": ("truncf", "floorf", "roundf"), "roundf": ("rintf",), "floorf": ("rintf",), "truncf": ("rintf",),
    "__hadd_rn": ("__hadd",), "__hmul_rn": ("__hmul",), "__hadd2_rn": ("__hadd2",), "__hmul2_rn": ("__hmul2",),
}  # fmt: skip
_PLAIN = {"__fadd_rn": "+", "__fsub_rn": "-", "__fmul_rn": "*"}
_TYPES = {
    "float": ("double", "half", "int"), "int": ("unsigned", "short", "long long"), "size_t": ("int", "unsigned short"), "half": ("float",),
    "__half": ("float",), "unsigned": ("int", "unsigned short"), "__nv_bfloat16": ("float",), "double": ("float",),
    "int64_t": ("int",), "uint32_t": ("int", "unsigned short"), "int32_t": ("short",), "int8_t": ("unsigned char",),
}  # fmt: skip
_CONVERSIONS = frozenset(
    "__half2float __float2half __float2half_rn __bfloat162float __float2bfloat16 __float2bfloat16_rn".split()
)
_FAST = {
    "expf": "__expf", "exp": "__expf", "logf": "__logf", "log2f": "__log2f", "sinf": "__sinf", "cosf": "__cosf", "powf": "__powf",
    "tanhf": "__tanhf", "__fdiv_rn": "__fdividef", "fmaxf": "max", "fminf": "min", "rsqrtf": "__frsqrt_rn",
}  # fmt: skip


@operator
def rounding_changed(s: Source) -> Iterator[Change]:
    """Rounded in another direction, or where nvcc likes: `__fmul_rn(a, b)` becomes `a * b`; or once more, to 16 bits."""
    for i in s.inside():
        word = s.word(i)
        if s.word(i + 1) != "(":
            continue
        for other in _ROUNDED.get(word, ()):
            yield s.put(i, i + 1, other)
        given = s.arguments(i + 1)
        if word in _PLAIN and len(given) == 2:
            a, b = (s.between(*g) for g in given)
            yield s.put(i, s.pair[i + 1] + 1, f"(({a}) {_PLAIN[word]} ({b}))")
        if word in ("fmaf", "__fmaf_rn") and len(given) == 3:
            a, b, c = (s.between(*g) for g in given)
            yield s.put(i, s.pair[i + 1] + 1, f"__fadd_rn(__fmul_rn({a}, {b}), {c})")
        if word == "__floats2half2_rn" and len(given) == 2:
            a, b = (s.between(*g) for g in given)
            yield s.put(i, s.pair[i + 1] + 1, f"__halves2half2(__float2half_rz({a}), __float2half_rz({b}))")
    yield from _rounded_once_more(s)


def _rounded_once_more(s: Source) -> Iterator[Change]:
    for x in s.statements():
        if x.kind not in ("declaration", "simple"):
            continue
        for i in range(x.first, x.last):
            if s.word(i) in ("=", "+=") and (
                x.kind == "simple" or s.word(x.first) == "float" or s.word(x.first + 1) == "float"
            ):
                end = s.operand(i + 1, _BELOW_ALL)
                if end - i > 2 and s.bracket(i) == s.bracket(x.first):
                    yield s.put(i + 1, end, f"__half2float(__float2half({s.between(i + 1, end)}))")


@operator
def type_changed(s: Source) -> Iterator[Change]:
    """A variable of another type."""
    for x in s.statements():
        first, stop = x.heads[0] if x.kind == "for" and x.heads else (x.first, x.last)
        if x.kind not in ("declaration", "for"):
            continue
        for i in range(first, stop):
            word = s.word(i)
            if word in ("=", ";", "(", "["):
                break
            plain = s.word(i + 1) not in TYPES | {"*", "&", "const"} and s.word(i - 1) not in (
                "unsigned",
                "long",
                "short",
            )
            if word in _TYPES and plain:
                yield from (s.put(i, i + 1, other) for other in _TYPES[word])
            if word == "long" and s.word(i + 1) == "long":
                yield s.put(i, i + 2, "int")


@operator
def cast_dropped(s: Source) -> Iterator[Change]:
    """A conversion is left to the compiler."""
    for i in s.inside():
        if s.word(i) == "(" and s.is_cast(i) and "*" not in s.between(i + 1, s.pair[i]):
            yield s.put(i, s.pair[i] + 1, "")
        if s.word(i) == "static_cast" and s.word(i + 1) == "<":
            opened = next(k for k in range(i, len(s.parts)) if s.word(k) == "(")
            if s.word(opened - 2) != "*":
                yield s.put(i, opened, "")
        if s.word(i) in _CONVERSIONS | {"float", "int", "size_t", "unsigned", "half"} and s.word(i + 1) == "(":
            yield s.put(i, i + 1, "")


@operator
def cast_changed(s: Source) -> Iterator[Change]:
    """A conversion to a narrower type."""
    narrower = {
        "size_t": "int",
        "float": "int",
        "int": "short",
        "double": "float",
        "unsigned": "unsigned short",
        "int64_t": "int",
    }
    for i in s.inside():
        if s.word(i) == "(" and s.is_cast(i) and "*" not in s.between(i + 1, s.pair[i]):
            words = " ".join(s.word(k) for k in range(i + 1, s.pair[i]) if s.word(k) in WORDS_OF_TYPES)
            yield s.put(i + 1, s.pair[i], narrower.get(words, "short"))


@operator
def fast_function(s: Source) -> Iterator[Change]:
    """A function's fast form; a quotient as a product with a reciprocal."""
    whole = set(_whole_quotients(s))
    for i in s.inside():
        word = s.word(i)
        if s.word(i + 1) == "(" and word in _FAST:
            yield s.put(i, i + 1, _FAST[word])
        if word == "sqrtf" and s.word(i + 1) == "(":
            a = s.between(i + 2, s.pair[i + 1])
            yield s.put(i, s.pair[i + 1] + 1, f"(({a}) * rsqrtf({a}))")
            yield s.put(i, i + 1, "__fsqrt_rz")
        if word == "expf" and s.word(i + 1) == "(":
            yield s.put(i, s.pair[i + 1] + 1, f"exp2f(({s.between(i + 2, s.pair[i + 1])}) * 1.44269504f)")
        if word == "/" and s.is_binary(i) and not s.in_index(i) and i not in whole:
            start, end = s.operand_before(i, _BELOW_PRODUCT - {"*"}), s.operand(i + 1, _BELOW_PRODUCT)
            a, b = s.between(start, i), s.between(i + 1, end)
            yield s.put(start, end, f"__fdividef({a}, {b})")
            yield s.put(start, end, f"({a}) * (1.0f / ({b}))")


def _whole_quotients(s: Source) -> Iterator[int]:
    """The `/` of quotients that are integers, as far as the text shows it: by a literal, or in an integer's declaration or a head."""
    for x in s.statements():
        integers = x.kind == "declaration" and {"int", "unsigned", "size_t", "long"} & {
            s.word(k) for k in range(x.first, x.first + 3)
        }
        ranges = [(x.first, x.last)] if integers else list(x.heads)
        yield from (i for first, stop in ranges for i in range(first, stop) if s.word(i) == "/")
    yield from (i for i in s.inside() if s.word(i) == "/" and s.word(i + 1).isdigit())

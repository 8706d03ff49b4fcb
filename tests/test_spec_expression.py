"""Integer expressions: read, evaluated and enclosed exactly; nothing else is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.diagnostic import BadInput, Unknown
from tv.sets import Affine, Sym
from tv.source import NOWHERE
from tv.spec.affine import affine
from tv.spec.always import outside
from tv.spec.expression import Apply, Expression, Name, Number, evaluate, names, parse, simplified, substitute, text
from tv.spec.interval import enclosure, samples
from tv.spec.polynomial import polynomial

SYMBOLS = {"N": 7, "M": 3, "P": 0}


def _ceildiv(a: int, b: int) -> int:
    return -(-a // b)


@pytest.mark.parametrize(
    "source",
    [
        "N",
        "1 + 2 * 3",
        "(1 + 2) * 3",
        "N - M - 1",
        "-N // 2",
        "-(N + 1) % 4",
        "ceildiv(N, 2) * M",
        "min(N, M, 2) + max(1, P)",
        "0x10 + 3",
        "7 // 2 * 2 - 7 % 2",
        "- - N",
    ],
)
def test_values_are_those_of_python(source: str) -> None:
    scope = {**SYMBOLS, "ceildiv": _ceildiv, "min": min, "max": max}
    e = parse(source)
    assert evaluate(e, SYMBOLS) == eval(source, {"__builtins__": {}}, scope)
    assert parse(text(e)) == e or evaluate(parse(text(e)), SYMBOLS) == evaluate(e, SYMBOLS)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("N / 2", "`/`"),
        ("", "the end"),
        ("N +", "the end"),
        ("(N", r"`\)`"),
        ("N M", "an operator"),
        ("N ** 2", r"`\*`"),
        ("1.5", r"unexpected `\.`"),
        ("__import__('os')", "unexpected"),
        ("sqrt(N)", "unknown function `sqrt`"),
        ("ceildiv(N)", "1 arguments"),
        ("min(N)", "1 arguments"),
        ("N if M else 1", "an operator"),
        ("N; M", "unexpected `;`"),
        ("(" * 40 + "N" + ")" * 40, "nested too deeply"),
        ("-" * 200 + "N", "nested too deeply"),
        ("1" + "+1" * 400, "words"),
        ("N" * 2000, "characters"),
    ],
)
def test_anything_else_is_refused(source: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        parse(source)
    assert caught.value.code == "TV0205"


def test_division_by_zero_and_unknown_symbols_are_errors() -> None:
    for source in ("1 // P", "1 % P", "ceildiv(1, P)"):
        with pytest.raises(BadInput, match="division by zero"):
            evaluate(parse(source), SYMBOLS)
    with pytest.raises(BadInput, match="unknown symbol `Q`") as caught:
        evaluate(parse("Q + N"), SYMBOLS)
    assert "M, N, P" in caught.value.help


def test_plain_numbers_stay_numbers() -> None:
    assert simplified(parse("4 * (2 + 1)")) == 12
    assert simplified(parse(7)) == 7
    assert isinstance(simplified(parse("N + 1")), str)
    assert names(parse("N * M + N")) == ("N", "M")
    assert simplified(substitute(parse("N * M"), {"N": 2, "M": 5})) == 10


_leaf = st.builds(Number, st.integers(-9, 9)) | st.builds(Name, st.sampled_from(sorted(SYMBOLS)))
_expressions = st.recursive(
    _leaf,
    lambda inner: st.builds(
        lambda op, a, b: Apply(op, (a, b)),
        st.sampled_from(["+", "-", "*", "//", "%", "ceildiv", "min", "max"]),
        inner,
        inner,
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(_expressions, st.fixed_dictionaries({n: st.tuples(st.integers(-5, 5), st.integers(0, 6)) for n in SYMBOLS}))
def test_enclosures_and_normal_forms_are_right(e: Expression, spans: dict[str, tuple[int, int]]) -> None:
    ranges = {n: (low, low + width) for n, (low, width) in spans.items()}
    outer, normal = enclosure(e, ranges), polynomial_or_none(e)
    inner = None if normal is None else normal.range(ranges)
    for point in samples(ranges):
        try:
            value = evaluate(e, point)
        except BadInput:
            continue
        assert outer is None or outer[0] <= value <= outer[1]
        assert inner is None or inner[0] <= value <= inner[1]
        assert normal is None or normal.at(point) == value
        assert evaluate(parse(text(e)), point) == value


@settings(max_examples=300, deadline=None)
@given(_expressions)
def test_the_proof_reads_an_expression_as_it_is_evaluated(e: Expression) -> None:
    try:
        found = affine(e, {n: Affine.sym(n) for n in SYMBOLS})
    except (Unknown, BadInput):  # not affine, or a division by zero
        return
    for point in samples(dict.fromkeys(names(e), (-7, 8))):
        value = found.substitute({Sym(n): Affine.of(v) for n, v in point.items()}).constant
        assert value == evaluate(e, point)


@pytest.mark.parametrize(
    ("source", "low", "high"),
    [
        ("N % 70000 + 1", 1, 65535),
        ("200001 - N", 2, 300000),
        ("N - N // 3 * 3", 0, 1),
        ("N * N", 1, 1 << 30),
        ("(2 * N) // (0 - 4) + N", 1, 100000),
    ],
)
def test_a_limit_that_few_values_break_is_found(source: str, low: int, high: int) -> None:
    e, ranges = parse(source), {"N": (1, 200000)}
    point = outside(e, low, high, ranges, NOWHERE, "values")
    assert point is not None
    assert not low <= evaluate(e, point) <= high


@pytest.mark.parametrize(
    ("source", "low", "high"),
    [("N % 70000 + 1", 1, 70000), ("N - N // 3 * 3", 0, 2), ("N * M", 1, 200000 * 7), ("ceildiv(N, 256)", 1, 782)],
)
def test_a_limit_that_no_value_breaks_is_shown(source: str, low: int, high: int) -> None:
    assert outside(parse(source), low, high, {"N": (1, 200000), "M": (1, 7)}, NOWHERE, "values") is None


def test_a_limit_that_cannot_be_decided_is_unknown() -> None:
    with pytest.raises(Unknown) as caught:
        outside(parse("N * M - N * M % 7 % 3"), 0, 200000 * 300000, {"N": (1, 200000), "M": (1, 300000)}, NOWHERE, "x")
    assert caught.value.code == "TV0242"


def polynomial_or_none(e: Expression):  # type: ignore[no-untyped-def]
    try:
        return polynomial(e)
    except BadInput:  # a constant division by zero
        return None


def test_samples_are_all_points_or_the_corners() -> None:
    assert len(list(samples({"N": (1, 4), "M": (0, 2)}))) == 12
    corners = list(samples({"N": (1, 10**9)}))
    assert {p["N"] for p in corners} >= {1, 10**9}
    assert list(samples({})) == [{}]

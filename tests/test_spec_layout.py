"""Layouts: accepted only when they are one-to-one for every value of the symbols."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.diagnostic import BadInput, Unknown
from tv.source import Span
from tv.spec.expression import Number, evaluate, parse
from tv.spec.interval import samples
from tv.spec.layout import Layout, check_layout, elements, parse_layout, row_major

HERE = Span("k.toml", 3)
Ranges = dict[str, tuple[int, int]]


def extent(layout: str, shape: list[int | str], ranges: Ranges | None = None) -> str:
    parsed = [parse(n) for n in shape]
    return str(check_layout(parse_layout(layout, len(shape), HERE), parsed, ranges or {}, HERE).constant())


@pytest.mark.parametrize(
    ("layout", "shape", "expected"),
    [
        ("[i, j] -> [i * 8 + j]", [4, 8], "32"),
        ("[i, j] -> [j * 4096 + i]", [4096, 11008], str(4096 * 11008)),
        ("[i, j] -> [i * 16 + j]", [4, 8], "56"),
        ("[i] -> [7 - i]", [8], "8"),
        ("[i, j] -> [2 * i + 3 * j]", [2, 2], "6"),
        ("[i, j] -> [(i // 2) * 8 + j * 2 + i % 2]", [4, 4], "16"),
        ("[i, j] -> [i * 4 + (j + i) % 4]", [4, 4], "16"),
        ("[] -> [5]", [], "6"),
        ("[b, i] -> [i]", [1, 9], "9"),
        ("[i] -> [max(i, 0)]", [5], "5"),
        ("[i] -> [ceildiv(i * 4, 4)]", [5], "5"),
    ],
)
def test_one_to_one_layouts(layout: str, shape: list[int | str], expected: str) -> None:
    assert extent(layout, shape) == expected


@pytest.mark.parametrize(
    ("layout", "shape", "ranges", "message"),
    [
        ("[i, j] -> [j]", [4, 4], {}, r"\[0, 0\] and \[1, 0\] at offset 0"),
        ("[i, j] -> [i * 8 + j]", [4, 9], {}, r"\[0, 8\] and \[1, 0\] at offset 8"),
        ("[i] -> [0 * i]", [2], {}, "at offset 0"),
        ("[i] -> [i // 2]", [4], {}, "at offset 0"),
        ("[h, p] -> [h * P + p]", [2, "P + 1"], {"P": (1, 10**6)}, "at offset"),
        ("[h, p] -> [h * 16 + p]", [2, "P + 1"], {"P": (0, 16)}, "at offset 16"),
        ("[i] -> [i * S]", [8], {"S": (0, 4)}, "at offset 0"),
    ],
)
def test_two_elements_at_one_place_are_refused(
    layout: str, shape: list[int | str], ranges: Ranges, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        extent(layout, shape, ranges)
    assert caught.value.code == "TV0226"


@pytest.mark.parametrize(
    ("layout", "shape", "ranges"),
    [
        ("[h, p, d] -> [(h * (P + 1) + p) * 128 + d]", [32, "P + 1", 128], {"P": (0, 10**6)}),
        ("[h, p, d] -> [(h * 4096 + p) * 128 + d]", [32, "P + 1", 128], {"P": (0, 4095)}),
        ("[i, j] -> [j * N + i]", ["N", "M"], {"N": (1, 5000), "M": (1, 5000)}),
    ],
)
def test_symbolic_strides(layout: str, shape: list[int | str], ranges: Ranges) -> None:
    parsed = [parse(n) for n in shape]
    found = check_layout(parse_layout(layout, len(shape), HERE), parsed, ranges, HERE)
    for point in itertools.islice(samples(ranges), 3):
        assert found.at(point) > 0


def test_what_cannot_be_decided_is_unknown() -> None:
    for layout in ("[i, j] -> [(i // 2) * 2 * N + j * 2 + i % 2]", "[i, j] -> [i * N + j % N]"):
        with pytest.raises(Unknown) as caught:
            extent(layout, ["N", "N"], {"N": (2**13, 10**6)})
        assert caught.value.code == "TV0229"


def test_negative_offsets_are_refused() -> None:
    for layout in ("[i] -> [i - 1]", "[i] -> [6 - i]"):
        with pytest.raises(BadInput, match="negative"):
            extent(layout, [8])


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("i -> i", "no layout"),
        ("[i] -> i", "no layout"),
        ("[i, i] -> [i]", "no list of index names"),
        ("[i, 2] -> [i]", "no list of index names"),
        ("[i] -> [i]", "layout of 1 dimensions for a tensor of 2"),
        ("[i, j] -> [i / j]", "`/`"),
        ("[i, j] -> [i * Q + j]", "unknown symbol `Q`"),
        ("[N, j] -> [N + j * 4]", "an index and a symbol"),
    ],
)
def test_malformed_layouts(layout: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        extent(layout, [4, 4], {"N": (1, 2)})


def test_row_major_is_what_is_meant_without_a_layout() -> None:
    shape = [parse(n) for n in (3, 4, 5)]
    offsets = [
        evaluate(row_major(shape).offset, {"_0": i, "_1": j, "_2": k})
        for i, j, k in itertools.product(range(3), range(4), range(5))
    ]
    assert offsets == list(range(60))
    assert elements(shape).constant() == 60


_term = st.tuples(st.integers(-3, 6), st.sampled_from(["i", "j", "i // 2", "j % 3", "1"]))


@settings(max_examples=300, deadline=None)
@given(st.lists(_term, min_size=1, max_size=3), st.integers(1, 5), st.integers(1, 5))
def test_the_decision_agrees_with_counting(terms: list[tuple[int, str]], rows: int, columns: int) -> None:
    source = " + ".join(f"({c}) * ({t})" for c, t in terms)
    layout = parse_layout(f"[i, j] -> [{source}]", 2, HERE)
    places = [evaluate(layout.offset, {"i": i, "j": j}) for i, j in itertools.product(range(rows), range(columns))]
    good = min(places) >= 0 and len(set(places)) == len(places)
    assert _decided(layout, [Number(rows), Number(columns)]) == (max(places) + 1 if good else None)


def _decided(layout: Layout, shape: list[Number]) -> int | None:
    """The extent, or None where the layout was refused."""
    try:
        return check_layout(layout, shape, {}, HERE).constant()
    except BadInput:
        return None

"""The graphs of the cases around masks that take out more of a softmax than is left."""

from __future__ import annotations

from collections.abc import Sequence

from graphs import BOOL, F32, I64, Extent, Graph, graph_of

INFINITY = float("inf")


def weighted(size: Extent, masked: list[tuple[str, list[str], str]]) -> Graph:
    """y[h] = softmax(q[h] where `masked` is -inf) . v[h], by primitives, of 4 rows."""
    numbers: dict[str, float] = {"zero": 0, "one": 1, "four": 4, "eight": 8}
    known = {n: (I64, [], [v]) for n, v in numbers.items()}
    nodes = [
        *masked,
        ("Where", ["masked", "least", "q"], "x"),
        ("ReduceMax", ["x", "axis"], "m"),
        ("Sub", "xm", "d"),
        ("Exp", "d", "e"),
        ("ReduceSum", ["e", "axis"], "s"),
        ("Div", "es", "w"),
        ("Einsum", "wv", "y"),
    ]
    return graph_of(
        nodes,
        {n: (F32, [4, size]) for n in "qv"},
        {"y": (F32, [4])},
        {**known, "second": (I64, [1], [1]), "least": (F32, [], [-INFINITY]), "axis": (I64, [1], [1])},
        y={"equation": "hk,hk->h"},
    )


NONE_LEFT = weighted(
    8,
    [
        ("Range", ["zero", "eight", "one"], "k"),
        ("Less", ["k", "four"], "a"),
        ("GreaterOrEqual", ["k", "four"], "b"),
        ("Or", "ab", "masked"),
    ],
)
NONE_LEFT_OF_ANY = weighted(
    "S",
    [
        ("Shape", "q", "shape"),
        ("Gather", ["shape", "one"], "size"),
        ("Range", ["zero", "size", "one"], "k"),
        ("GreaterOrEqual", ["k", "zero"], "masked"),
    ],
)
PARTIAL_SUM = graph_of(
    [
        ("Range", ["zero", "two", "one"], "j"),
        ("Less", ["j", "one"], "first"),
        ("Reshape", ["first", "shape"], "masked"),
        ("Where", ["masked", "least", "q"], "x"),
        ("ReduceMax", ["x", "both"], "m"),
        ("Sub", "xm", "d"),
        ("Exp", "d", "e"),
        ("ReduceSum", ["e", "last"], "s"),
        ("Div", "es", "w"),
        ("Einsum", "wv", "y"),
    ],
    {n: (F32, [4, 2, 8]) for n in "qv"},
    {"y": (F32, [4])},
    {
        **{n: (I64, [], [v]) for n, v in (("zero", 0), ("one", 1), ("two", 2))},
        "shape": (I64, [3], [1, 2, 1]),
        "least": (F32, [], [-INFINITY]),
        "both": (I64, [2], [1, 2]),
        "last": (I64, [1], [2]),
    },
    y={"equation": "hjk,hjk->h"},
)


def stored(seen: Sequence[Sequence[int]], low: float = -3.0e38) -> Graph:
    """y[h] = softmax(q[h] + mask[h]) . v[h], by primitives: the mask is stored, 0 where a key is seen and `low` elsewhere."""
    rows, keys = len(seen), len(seen[0])
    nodes: list[tuple[str, list[str] | str, str]] = [
        ("Add", ["q", "mask"], "x"),
        ("ReduceMax", ["x", "axis"], "m"),
        ("Sub", "xm", "d"),
        ("Exp", "d", "e"),
        ("ReduceSum", ["e", "axis"], "s"),
        ("Div", "es", "w"),
        ("Einsum", "wv", "y"),
    ]
    mask = [0.0 if one else low for row in seen for one in row]
    return graph_of(
        nodes,
        {n: (F32, [rows, keys]) for n in "qv"},
        {"y": (F32, [rows])},
        {"mask": (F32, [rows, keys], mask), "axis": (I64, [1], [1])},
        y={"equation": "hk,hk->h"},
    )


def probabilities(masking: tuple[str, list[str], str], mask: int, known: dict[str, float]) -> Graph:
    """y = softmax of q masked by an input, 8 rows of 40 keys."""
    shape: list[Extent] = [8, 40]
    return graph_of(
        [masking, ("Softmax", "x", "y")],
        {"q": (F32, shape), "mask": (mask, shape)},
        {"y": (F32, shape)},
        {n: (F32, [], [v]) for n, v in known.items()},
    )


TRIANGLE = [[int(k <= h) for k in range(8)] for h in range(8)]


def changed(row: int, keys: Sequence[int]) -> list[list[int]]:
    """The triangle with one row in which these keys are seen."""
    return [[int(k in keys) for k in range(8)] if h == row else seen for h, seen in enumerate(TRIANGLE)]


MASKS: dict[str, Graph] = {
    "mask_added_hides_every_key": probabilities(("Add", ["q", "mask"], "x"), F32, {}),
    "mask_hides_every_key": probabilities(("Where", ["mask", "q", "least"], "x"), BOOL, {"least": -INFINITY}),
    "mask_stored": stored(TRIANGLE),
    "mask_stored_closed_at_one_key": stored(changed(5, [0, 1, 3, 4, 5])),
    "mask_stored_none_left_in_one_row": stored(changed(3, []), -INFINITY),
    "mask_stored_opened_at_one_key": stored(changed(2, [0, 1, 2, 6])),
    "mask_stored_row_shifted": stored(changed(4, [1, 2, 3, 4, 5])),
    "mask_leaves_no_key": NONE_LEFT,
    "mask_leaves_no_key_of_any": NONE_LEFT_OF_ANY,
    "mask_of_partial_sum": PARTIAL_SUM,
}

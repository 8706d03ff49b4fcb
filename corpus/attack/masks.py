"""The graphs of the cases around masks that take out more of a softmax than is left."""

from __future__ import annotations

from graphs import F32, I64, Extent, Graph, graph_of

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
MASKS: dict[str, Graph] = {
    "mask_leaves_no_key": NONE_LEFT,
    "mask_leaves_no_key_of_any": NONE_LEFT_OF_ANY,
    "mask_of_partial_sum": PARTIAL_SUM,
}

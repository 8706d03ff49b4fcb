"""The graphs of the cases around reads at indices that are data: other rows, other tables, other integers."""

from __future__ import annotations

from collections.abc import Sequence

from graphs import F32, I32, I64, Graph, graph_of

IDS = {"ids": (I32, [32])}
ROWS = {"y": (F32, [32, 8])}


def row_of(table: str = "x", height: int = 16) -> Graph:
    """y = x[ids], of a table of `height` rows of 8, and z = -w beside it where the table is another one than x."""
    tables = {n: (F32, [height, 8]) for n in dict.fromkeys(("x", table))}
    extra = [("Neg", table, "z")] if table != "x" else []
    outputs = ROWS | ({"z": (F32, [height, 8])} if extra else {})
    return graph_of([("Gather", ["x", "ids"], "y"), *extra], tables | IDS, outputs)


# y = x[ids, 0], z = -x: what is picked from is also overwritten.
FIRST_AND_NEGATED = graph_of(
    [("Gather", ["x", "ids"], "y"), ("Neg", "x", "z")],
    {"x": (F32, [32]), **IDS},
    {"y": (F32, [32]), "z": (F32, [32])},
)
# y = x[ids], next = ids + 1: the integers are overwritten.
COUNTED = graph_of(
    [("Gather", ["x", "ids"], "y"), ("Add", ["ids", "one"], "next")],
    {"x": (F32, [16]), **IDS},
    {"y": (F32, [32]), "next": (I32, [32])},
    {"one": (I32, [], [1])},
)
PAIRS = graph_of(
    [("GatherND", ["x", "at"], "y")],
    {"x": (F32, [16, 16]), "at": (I64, [32, 2])},
    {"y": (F32, [32])},
)
E_OF_PICKED_ONE = graph_of(
    [
        ("Gather", ["x", "ids"], "v"),
        ("Equal", ["v", "one"], "is"),
        ("Exp", "v", "e"),
        ("Where", ["is", "e", "v"], "y"),
    ],
    {"x": (F32, [16]), **IDS},
    {"y": (F32, [32])},
    {"one": (F32, [], [1.0])},
)


def clipped(
    nodes: Sequence[tuple[str, list[str], str]], names: str, **known: tuple[int, Sequence[int], Sequence[float]]
) -> Graph:
    """y = x[i] and z = w[i], i being s of `nodes` cut to 0 .. 15."""
    rest = [
        ("Clip", ["s", "low", "high"], "r"),
        ("Cast", ["r"], "i"),
        ("Gather", ["x", "i"], "y"),
        ("Gather", ["w", "i"], "z"),
    ]
    return graph_of(
        [*nodes, *rest],
        {**{t: (F32, [16]) for t in "xw"}, **{n: (F32, [32]) for n in names}},
        {"y": (F32, [32]), "z": (F32, [32])},
        {"low": (F32, [], [0.0]), "high": (F32, [], [15.0]), **known},
        i={"to": I32},
    )


NEGATED_AND_FLAG = graph_of(
    [("Neg", "x", "m"), ("Cast", ["flag"], "f"), ("Add", ["m", "f"], "y")],
    {"x": (F32, [32]), "flag": (I32, [32])},
    {"y": (F32, [32])},
    f={"to": F32},
)
NEGATED = graph_of([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
GATHERS: dict[str, Graph] = {
    "kept_range_of_dead_place": NEGATED_AND_FLAG,
    "kept_range_of_never_stored": NEGATED,
    "kept_range_of_ticket": NEGATED,
    "kept_range_overflows_by_ticket": NEGATED,
    "kept_range_of_narrower_place": NEGATED_AND_FLAG,
    "exponential_of_picked_one": E_OF_PICKED_ONE,
    "gather_at_bits_of_a_float": graph_of(
        [("Gather", ["x", "ids"], "y")], {"x": (F32, [16]), **IDS}, {"y": (F32, [32])}
    ),
    "gather_at_exchanged_indices": PAIRS,
    "gather_at_index_folded_once": clipped(
        [("Exp", ["one"], "e"), ("Mul", ["a", "e"], "s")], "a", one=(F32, [], [1.0])
    ),
    "gather_at_index_rounded_twice": clipped([("Mul", ["a", "b"], "p"), ("Add", ["p", "c"], "s")], "abc"),
    "gather_at_sum_of_indices": PAIRS,
    "gather_at_unwritten_index": graph_of(
        [("BitwiseAnd", ["ids", "mask"], "at"), ("Gather", ["x", "at"], "y")],
        {"x": (F32, [16]), **IDS},
        {"y": (F32, [32])},
        {"mask": (I32, [], [15])},
    ),
    "gather_from_other_table": row_of("w"),
    "gather_of_changed_index": COUNTED,
    "gather_of_changed_table": FIRST_AND_NEGATED,
    "gather_of_index_of_all_bits": row_of(),
    "gather_of_narrowed_index": row_of(height=1000),
    "gather_of_negative_index": row_of(),
    "gather_of_neighbours_index": row_of(),
    "gather_past_its_table": row_of(),
    "gather_product_wraps": row_of(height=40),
    "gather_where_indices_coincide": PAIRS,
    "gather_without_common_row": row_of("w"),
}

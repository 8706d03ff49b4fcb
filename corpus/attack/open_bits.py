"""The graphs of the cases that hang on bits which are open: those of a NaN that an operation gives, the sign of a zero that is a sum."""

from __future__ import annotations

import onnx
from graphs import F32, I32, I64, Graph, graph_of, unary
from patterns import seen

ROWS = {n: (F32, [8, 32]) for n in "xz"}
PAIR = {n: (F32, [32]) for n in "xz"}
SIZES = [("Abs", "x", "a"), ("Abs", "z", "b")]


def at_26(build: Graph) -> Graph:
    """The same graph at the first opset that has BitCast."""

    def newer() -> onnx.ModelProto:
        made = build()
        made.opset_import[0].version = 26
        return made

    return newer


def dot(compared: bool) -> Graph:
    """The bits of 16 sums of two products, or 1 where these are below 0 and 2 elsewhere."""
    inputs = {"x": (F32, [16, 2]), "z": (F32, [2, 1])}
    bits = [("MatMul", "xz", "s"), ("BitCast", "s", "b" if compared else "y")]
    if not compared:
        return at_26(graph_of(bits, inputs, {"y": (I32, [16, 1])}, y={"to": I32}))
    chosen = [*bits, ("Less", ["b", "zero"], "l"), ("Where", ["l", "one", "two"], "y")]
    known = {"zero": (I32, [], [0]), "one": (F32, [], [1]), "two": (F32, [], [2])}
    return at_26(graph_of(chosen, inputs, {"y": (F32, [16, 1])}, known, b={"to": I32}))


ONES = graph_of(
    [*SIZES, ("Mul", "ab", "c"), ("IsNaN", "c", "n"), ("Where", ["n", "one", "one"], "y")],
    ROWS,
    {"y": (F32, [8, 32])},
    {"one": (F32, [], [1])},
)
QUOTIENT = graph_of([*SIZES, ("Div", "ab", "y")], PAIR, {"y": (F32, [32])})
ROOT = seen(F32, I32, ("Sqrt", "x", "t", None), ("BitCast", "t", "y", I32))

OPEN_BITS: dict[str, Graph] = {
    "counter_volatile_in_shared": unary("Neg", 64),
    "flag_volatile_in_shared": unary("Neg", 64),
    "flag_volatile_without_fences": unary("Neg", 64),
    "nan_of_graph_compared_as_integer": at_26(
        graph_of(
            [
                ("Sqrt", "x", "t"),
                ("BitCast", "t", "b"),
                ("Less", ["b", "zero"], "l"),
                ("Where", ["l", "one", "two"], "y"),
            ],
            {"x": (F32, [32])},
            {"y": (F32, [32])},
            {"zero": (I32, [], [0]), "one": (F32, [], [1]), "two": (F32, [], [2])},
            b={"to": I32},
        )
    ),
    "fused_product_of_a_sum": graph_of(
        [("Mul", "bb", "p"), ("Add", "cd", "s"), ("Sub", "pc", "t"), ("Mul", "st", "q"), ("Sub", "qq", "y")],
        {n: (F32, [64]) for n in "bcd"},
        {"y": (F32, [64])},
    ),
    "fused_products_of_infinities": graph_of(
        [("Mul", "xg", "p"), ("Add", "px", "t"), ("Mul", "tg", "q"), ("Add", "qt", "y")],
        {n: (F32, [64]) for n in "xg"},
        {"y": (F32, [64])},
    ),
    "nan_of_graph_seen_as_integer": ROOT,
    "nan_of_graph_seen_as_integer_one_off": ROOT,
    "nan_of_product_by_atomic_maximum": graph_of(
        [*SIZES, ("Mul", "ab", "c"), ("ReduceMax", ["c", "axis"], "y")],
        ROWS,
        {"y": (F32, [8])},
        {"axis": (I64, [1], [1])},
        y={"keepdims": 0},
    ),
    "nan_of_product_by_copysign": ONES,
    "nan_of_product_by_copysign_of_two": ONES,
    "nan_of_quotient_chooses_cell": QUOTIENT,
    "nan_of_quotient_in_an_address": QUOTIENT,
    "nan_of_quotient_in_an_address_of_numbers": QUOTIENT,
    "nan_of_root_by_its_sign": unary("Sqrt", 32),
    "zero_of_sum_compared_as_integer": dot(compared=True),
    "zero_of_sum_compared_as_integer_reversed": dot(compared=True),
    "zero_of_sum_seen_as_integer": dot(compared=False),
    "zero_of_sum_seen_as_integer_one_off": dot(compared=False),
}

"""The graphs of the cases about values that a compiler comes to know: what it then fuses or evaluates is another function."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from graphs import BOOL, F32, I32, I64, U32, VECTORS, Graph, graph_of
from onnx import TensorProto

Y = {"y": (F32, [32])}
ONE, ZERO, LEAST = (F32, [], [1.0]), (F32, [], [0.0]), (F32, [], [-inf])
TO_FLOAT = {"to": TensorProto.FLOAT}
ALIKE = graph_of([("Mul", "ab", "p"), ("Max", "pp", "m"), ("Add", "mc", "y")], VECTORS, Y)


def chosen(of: str, than: str) -> Graph:
    """y = (a * b) * (of < than ? c : 1) + c."""
    nodes = [
        ("Less", [of, than], "m"),
        ("Where", ["m", "c", "one"], "f"),
        ("Mul", "ab", "p"),
        ("Mul", "pf", "q"),
        ("Add", "qc", "y"),
    ]
    inputs = {"n": (I32, [32]), **VECTORS} if of == "n" else VECTORS
    return graph_of(nodes, inputs, Y, {"one": ONE, **({"least": LEAST} if than == "least" else {})})


def in_halves(divisor: float, upper: str, nodes: Sequence[tuple[str, Sequence[str], str]], halves: str) -> Graph:
    """y = upper / [divisor, x] + c, and z = -c of the first half, so that a compiler keeps the branches apart."""
    common = [("Concat", ["known", "x"], "f"), ("Div", [upper, "f"], "q"), ("Add", "qc", "y")]
    half = [("Slice", ["c", "i0", "i16"], "h"), ("Neg", "h", "z")]
    inputs = {v: (F32, [16 if v in halves else 32]) for v in sorted({*halves, upper, "c"} - {"pd"})}
    stored = {"known": (F32, [16], [divisor] * 16), "i0": (I64, [1], [0]), "i16": (I64, [1], [16])}
    return graph_of([*nodes, *common, *half], inputs, Y | {"z": (F32, [16])}, stored, f={"axis": 0}, pd={"axis": 0})


def six_arms() -> Graph:
    """y = [a, g] b (X - u + 1) + c for X of five parts and the rest of u, so that the factor is 1 in the last part alone."""
    parts = [f"x{i}" for i in range(5)]
    nodes = [
        ("Concat", "ag", "s"),
        ("Slice", ["u", "i20", "i32"], "v"),
        ("Concat", [*parts, "v"], "X"),
        ("Sub", "Xu", "d"),
        ("Add", ["d", "k"], "w"),
        ("Cast", "w", "f"),
        ("Mul", "sb", "p"),
        ("Mul", "pf", "q"),
        ("Add", "qc", "y"),
        ("Slice", ["c", "i20", "i32"], "h"),
        ("Neg", "h", "z"),
    ]
    inputs = {"a": (F32, [20]), "g": (F32, [12]), "b": (F32, [32]), "c": (F32, [32]), "u": (U32, [32])}
    stored = {"k": (U32, [], [1]), "i20": (I64, [1], [20]), "i32": (I64, [1], [32])}
    joined = {"axis": 0}
    outputs = Y | {"z": (F32, [12])}
    return graph_of(nodes, inputs | dict.fromkeys(parts, (U32, [4])), outputs, stored, s=joined, X=joined, f=TO_FLOAT)


FORESEEN: dict[str, Graph] = {
    "divisor_compared_with_two": graph_of(
        [("Div", "ac", "q"), ("Add", "qb", "s"), ("Equal", ["c", "two"], "m"), ("Where", ["m", "s", "zero"], "y")],
        VECTORS,
        Y,
        {"two": (F32, [], [2.0]), "zero": ZERO},
    ),
    "factor_of_cancelled_arm": six_arms(),
    "factor_of_cancelled_round": graph_of(
        [
            ("Range", ["i0", "i3", "i1"], "r"),
            ("Unsqueeze", ["r", "last"], "s"),
            ("Cast", "s", "k"),
            ("Add", "nk", "v"),
            ("Sub", "vn", "w"),
            ("Cast", "w", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        {"n": (U32, [32]), **VECTORS},
        {"y": (F32, [3, 32])},
        {"i0": (I64, [], [0]), "i3": (I64, [], [3]), "i1": (I64, [], [1]), "last": (I64, [1], [1])},
        k={"to": TensorProto.UINT32},
        f=TO_FLOAT,
    ),
    "divisor_of_one_in_a_branch": in_halves(1.0, "pd", [("Mul", "ab", "p"), ("Concat", "pd", "pd")], "abdx"),
    "divisor_of_two_in_a_branch": in_halves(2.0, "a", [], "x"),
    "exponential_below_bound": graph_of(
        [
            ("Less", ["n", "k"], "l"),
            ("Cast", "n", "f"),
            ("Add", ["f", "one"], "g"),
            ("Exp", "g", "e"),
            ("Where", ["l", "e", "zero"], "y"),
        ],
        {"n": (U32, [32])},
        Y,
        {"k": (U32, [], [1]), "one": ONE, "zero": ZERO},
        f=TO_FLOAT,
    ),
    "exponential_below_converted_bound": graph_of(
        [
            ("Cast", "n", "h"),
            ("Less", ["h", "one"], "g"),
            ("Add", ["n", "k"], "i"),
            ("Cast", "i", "f"),
            ("Exp", "f", "e"),
            ("Where", ["g", "e", "zero"], "y"),
        ],
        {"n": (U32, [32])},
        Y,
        {"k": (U32, [], [1]), "one": ONE, "zero": ZERO},
        h=TO_FLOAT,
        f=TO_FLOAT,
    ),
    "exponential_between_bounds": graph_of(
        [
            ("Greater", ["n", "none"], "g"),
            ("Less", ["n", "two"], "l"),
            ("Cast", "n", "f"),
            ("Exp", "f", "e"),
            ("Where", ["l", "e", "zero"], "w"),
            ("Where", ["g", "w", "zero"], "y"),
        ],
        {"n": (U32, [32])},
        Y,
        {"none": (U32, [], [0]), "two": (U32, [], [2]), "zero": ZERO},
        f=TO_FLOAT,
    ),
    "exponential_between_negated_bounds": graph_of(
        [
            ("LessOrEqual", ["v", "two"], "l"),
            ("GreaterOrEqual", ["v", "two"], "g"),
            ("And", "lg", "m"),
            ("Exp", "v", "e"),
            ("Where", ["m", "e", "zero"], "y"),
        ],
        {"v": (F32, [32])},
        Y,
        {"two": (F32, [], [2.0]), "zero": ZERO},
    ),
    "exponential_from_both_sides": graph_of(
        [
            ("LessOrEqual", ["v", "two"], "l"),
            ("GreaterOrEqual", ["v", "two"], "g"),
            ("And", "lg", "m"),
            ("Exp", "v", "e"),
            ("Where", ["m", "e", "zero"], "y"),
        ],
        {"v": (F32, [32])},
        Y,
        {"two": (F32, [], [2.0]), "zero": ZERO},
    ),
    "exponential_of_own_condition": graph_of(
        [("Greater", ["v", "zero"], "m"), ("Cast", "m", "f"), ("Exp", "f", "e"), ("Where", ["m", "e", "zero"], "y")],
        {"v": (F32, [32])},
        Y,
        {"zero": ZERO},
        f=TO_FLOAT,
    ),
    "exponential_of_stored_index": graph_of(
        [("Add", "nt", "u"), ("Sub", "uu", "d"), ("Add", ["d", "k"], "e"), ("Cast", "e", "f"), ("Exp", "f", "y")],
        {"n": (U32, [32])},
        Y,
        {"t": (U32, [32], list(range(32))), "k": (U32, [], [1])},
        f=TO_FLOAT,
    ),
    "exponential_of_vanished_integer": graph_of(
        [("Mul", ["n", "none"], "m"), ("Add", ["m", "k"], "w"), ("Cast", "w", "f"), ("Exp", "f", "y")],
        {"n": (I32, [32])},
        Y,
        {"none": (I32, [], [0]), "k": (I32, [], [1])},
        f=TO_FLOAT,
    ),
    "factor_by_compared_integer": chosen("n", "n"),
    "factor_clamped_to_one": graph_of(
        [
            ("Max", ["c", "one"], "m"),
            ("Min", ["m", "one"], "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        VECTORS,
        Y,
        {"one": ONE},
    ),
    "factor_of_compared_bits": graph_of(
        [
            ("Equal", ["x", "one"], "g"),
            ("Mul", "ab", "p"),
            ("Mul", "px", "q"),
            ("Add", "qc", "r"),
            ("Where", ["g", "r", "zero"], "y"),
        ],
        {"x": (F32, [32]), **VECTORS},
        Y,
        {"one": ONE, "zero": ZERO},
    ),
    "factor_of_converted_zero": graph_of(
        [
            ("Cast", "n", "h"),
            ("Equal", ["h", "zero"], "g"),
            ("Add", ["n", "k"], "i"),
            ("Cast", "i", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "r"),
            ("Where", ["g", "r", "zero"], "y"),
        ],
        {"n": (U32, [32]), **VECTORS},
        Y,
        {"k": (U32, [], [1]), "zero": ZERO},
        h=TO_FLOAT,
        f=TO_FLOAT,
    ),
    "factor_of_maximum_of_clamped": graph_of(
        [
            ("Min", ["x", "one"], "u"),
            ("Max", ["u", "one"], "v"),
            ("ReduceMax", ["v", "first"], "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        {"x": (F32, [4, 32]), **VECTORS},
        Y,
        {"one": ONE, "first": (I64, [1], [0])},
        f={"keepdims": 0},
    ),
    "factor_compared_with_one": graph_of(
        [
            ("Mul", "ab", "p"),
            ("Equal", ["c", "one"], "m"),
            ("Mul", "pc", "q"),
            ("Add", "qa", "r"),
            ("Where", ["m", "r", "zero"], "y"),
        ],
        VECTORS,
        Y,
        {"one": ONE, "zero": ZERO},
    ),
    "factor_never_below_infinity": chosen("c", "least"),
    "factor_never_below_itself": chosen("c", "c"),
    "factor_of_cancelled_multiple": graph_of(
        [
            ("Range", ["i0", "i3", "i1"], "r"),
            ("Unsqueeze", ["r", "last"], "s"),
            ("Cast", "s", "i"),
            ("Mul", "ni", "v"),
            ("Sub", "vn", "u"),
            ("Add", ["u", "k"], "w"),
            ("Cast", "w", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        {"n": (U32, [32]), **VECTORS},
        {"y": (F32, [3, 32])},
        {
            "i0": (I64, [], [0]),
            "i3": (I64, [], [3]),
            "i1": (I64, [], [1]),
            "last": (I64, [1], [1]),
            "k": (U32, [], [1]),
        },
        i={"to": TensorProto.UINT32},
        f=TO_FLOAT,
    ),
    "factor_of_doubled_round": graph_of(
        [
            ("Range", ["i0", "i3", "i1"], "r"),
            ("Unsqueeze", ["r", "last"], "s"),
            ("Cast", "s", "i"),
            ("Mul", "ni", "v"),
            ("Add", "nn", "d"),
            ("Sub", "vd", "u"),
            ("Add", ["u", "k"], "w"),
            ("Cast", "w", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        {"n": (U32, [32]), **VECTORS},
        {"y": (F32, [3, 32])},
        {
            "i0": (I64, [], [0]),
            "i3": (I64, [], [3]),
            "i1": (I64, [], [1]),
            "last": (I64, [1], [1]),
            "k": (U32, [], [1]),
        },
        i={"to": TensorProto.UINT32},
        f=TO_FLOAT,
    ),
    "factor_of_negated_datum": graph_of(
        [
            ("Equal", ["v", "two"], "m"),
            ("Mul", ["v", "half"], "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "s"),
            ("Where", ["m", "s", "zero"], "y"),
        ],
        {"v": (F32, [32]), **VECTORS},
        Y,
        {"two": (F32, [], [2.0]), "half": (F32, [], [0.5]), "zero": ZERO},
    ),
    "factor_of_half_of_two": graph_of(
        [
            ("Equal", ["v", "two"], "m"),
            ("Mul", ["v", "half"], "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "s"),
            ("Where", ["m", "s", "zero"], "y"),
        ],
        {"v": (F32, [32]), **VECTORS},
        Y,
        {"two": (F32, [], [2.0]), "half": (F32, [], [0.5]), "zero": ZERO},
    ),
    "factor_of_own_condition": graph_of(
        [
            ("Greater", ["v", "zero"], "m"),
            ("Cast", "m", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "s"),
            ("Where", ["m", "s", "zero"], "y"),
        ],
        {"v": (F32, [32]), **VECTORS},
        Y,
        {"zero": ZERO},
        f=TO_FLOAT,
    ),
    "factor_of_cancelled_integers": graph_of(
        [
            ("Sub", "nn", "z"),
            ("Add", ["z", "k"], "w"),
            ("Cast", "w", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        {"n": (U32, [32]), **VECTORS},
        Y,
        {"k": (U32, [], [1])},
        f=TO_FLOAT,
    ),
    "factor_of_pinned_size": graph_of(
        [("Shape", "a", "s"), ("Cast", "s", "f"), ("Mul", "ab", "p"), ("Mul", "pf", "q"), ("Add", "qc", "y")],
        {v: (F32, ["n"]) for v in "abc"},
        {"y": (F32, ["n"])},
        f=TO_FLOAT,
    ),
    "factor_of_pinned_thread": graph_of(
        [
            ("Range", ["i0", "i32", "i1"], "i"),
            ("Cast", "i", "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "q"),
            ("Add", "qc", "y"),
        ],
        VECTORS,
        Y,
        {"i0": (I64, [], [0]), "i32": (I64, [], [32]), "i1": (I64, [], [1])},
        f=TO_FLOAT,
    ),
    "exponential_behind_chosen_number": graph_of(
        [
            ("Equal", ["x", "two"], "m"),
            ("Where", ["m", "three", "four"], "f"),
            ("Less", ["f", "bound"], "l"),
            ("Exp", ["x"], "e"),
            ("Mul", ["a", "e"], "s"),
            ("Where", ["l", "s", "zero"], "y"),
        ],
        {"x": (F32, [32]), "a": (F32, [32])},
        {"y": (F32, [32])},
        {n: (F32, [], [v]) for n, v in (("two", 2.0), ("three", 3.0), ("four", 4.0), ("bound", 3.5), ("zero", 0.0))},
    ),
    "exponential_behind_chosen_truth": graph_of(
        [
            ("Equal", ["x", "two"], "m"),
            ("Where", ["half", "m", "never"], "p"),
            ("Exp", ["x"], "e"),
            ("Where", ["p", "e", "zero"], "y"),
        ],
        {"x": (F32, [32])},
        {"y": (F32, [32])},
        {
            "two": (F32, [], [2.0]),
            "zero": (F32, [], [0.0]),
            "half": (BOOL, [32], [1.0] * 16 + [0.0] * 16),
            "never": (BOOL, [], [0.0]),
        },
    ),
    "exponential_kept_for_condition": graph_of(
        [
            ("Equal", ["x", "two"], "m"),
            ("Exp", ["x"], "e"),
            ("Mul", ["e", "a"], "s"),
            ("Where", ["m", "s", "zero"], "y"),
        ],
        {"x": (F32, [32]), "a": (F32, [32])},
        {"y": (F32, [32])},
        {"two": (F32, [], [2.0]), "zero": (F32, [], [0.0])},
    ),
    "fused_by_one": graph_of([("Mul", "ab", "p"), ("Add", "pc", "y")], VECTORS, Y),
    "maximum_of_stored_products": ALIKE,
    "maximum_with_stored_product": ALIKE,
    "sum_in_two_branches": graph_of(
        [("Mul", "ab", "z"), ("Mul", "cd", "q"), ("Add", "zq", "s"), ("Concat", "ss", "y")],
        {v: (F32, [16]) for v in "abcd"},
        {"y": (F32, [32]), "z": (F32, [16])},
        y={"axis": 0},
    ),
}

"""The graphs of the cases in this folder: `python corpus/attack/models.py` writes each case's `model.onnx` anew.

Small graphs with small sizes: what is attacked here is one rule of the proof at a time, not its scale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent))
from authoring import constant, model, tensor

F16, F32, I32, I64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
Extent = int | str
Graph = Callable[[], onnx.ModelProto]


def unary(op: str, n: Extent, element: int = F32, to: int | None = None) -> Graph:
    def build() -> onnx.ModelProto:
        nodes = [helper.make_node(op, ["x"], ["y"])]
        return model(op.lower(), nodes, [tensor("x", element, [n])], [tensor("y", to or element, [n])])

    return build


def negated(rows: Sequence[int], columns: int) -> Graph:
    """y: x [rows, columns] (or [columns], of one row) with the first `rows[r]` elements of row r negated."""

    def build() -> onnx.ModelProto:
        shape = [len(rows), columns] if len(rows) > 1 else [columns]
        nodes, parts, numbers = [], [], sorted({0, columns, *rows, *range(len(rows) + 1)})
        known = [constant(f"n{k}", I64, [1], [k]) for k in numbers]
        known.append(constant("last", I64, [1], [-1]))
        for r, count in enumerate(rows):
            nodes += [helper.make_node("Slice", ["x", f"n{r}", f"n{r + 1}", "n0"], [f"r{r}"])] if len(rows) > 1 else []
            row = f"r{r}" if len(rows) > 1 else "x"
            nodes += [
                helper.make_node("Slice", [row, "n0", f"n{count}", "last"], [f"a{r}"]),
                helper.make_node("Slice", [row, f"n{count}", f"n{columns}", "last"], [f"b{r}"]),
                helper.make_node("Neg", [f"a{r}"], [f"c{r}"]),
                helper.make_node("Concat", [f"c{r}", f"b{r}"], [f"p{r}" if len(rows) > 1 else "y"], axis=-1),
            ]
            parts.append(f"p{r}")
        nodes += [helper.make_node("Concat", parts, ["y"], axis=0)] if len(rows) > 1 else []
        return model("negated", nodes, [tensor("x", F32, shape)], [tensor("y", F32, shape)], known)

    return build


def with_constant(op: str, n: int, value: float) -> Graph:
    """y = x op value, element by element."""

    def build() -> onnx.ModelProto:
        known = [constant("c", F32, [1], [value])]
        nodes = [helper.make_node(op, ["x", "c"], ["y"])]
        return model(op.lower(), nodes, [tensor("x", F32, [n])], [tensor("y", F32, [n])], known)

    return build


def doubled(n: int) -> Graph:
    def build() -> onnx.ModelProto:
        return model(
            "doubled", [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", F32, [n])], [tensor("y", F32, [n])]
        )

    return build


def plus(n: int, value: float, element: int = F32) -> Graph:
    def build() -> onnx.ModelProto:
        nodes = [helper.make_node("Add", ["x", "c"], ["y"])]
        return model(
            "plus",
            nodes,
            [tensor("x", element, [n])],
            [tensor("y", element, [n])],
            [constant("c", element, [], [value])],
        )

    return build


def reversed_(n: int) -> Graph:
    def build() -> onnx.ModelProto:
        bounds = {"first": n - 1, "last": -1 - n, "axis": 0, "step": -1}
        nodes = [helper.make_node("Slice", ["x", *bounds], ["y"])]
        stored = [constant(k, I64, [1], [v]) for k, v in bounds.items()]
        return model("reversed", nodes, [tensor("x", F32, [n])], [tensor("y", F32, [n])], stored)

    return build


def second_repeated() -> onnx.ModelProto:
    """y = -[x0, x1, x1, x1]."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "two"], ["a"]),
        helper.make_node("Slice", ["x", "one", "two"], ["b"]),
        helper.make_node("Concat", ["a", "b", "b"], ["c"], axis=0),
        helper.make_node("Neg", ["c"], ["y"]),
    ]
    stored = [constant(name, I64, [1], [v]) for v, name in enumerate(("zero", "one", "two"))]
    return model("second_repeated", nodes, [tensor("x", F32, [4])], [tensor("y", F32, [4])], stored)


def two_inputs(op: str, element: int = F32) -> Graph:
    def build() -> onnx.ModelProto:
        sides = [tensor(n, element, [32]) for n in "ab"]
        return model(op.lower(), [helper.make_node(op, ["a", "b"], ["y"])], sides, [tensor("y", element, [32])])

    return build


def reduced(op: str, shape: list[Extent], result: list[Extent], axis: int) -> Graph:
    def build() -> onnx.ModelProto:
        nodes = [helper.make_node(op, ["x", "axis"], ["y"], keepdims=int(len(shape) == 1))]
        return model(
            op.lower(),
            nodes,
            [tensor("x", F32, shape)],
            [tensor("y", F32, result)],
            [constant("axis", I64, [1], [axis])],
        )

    return build


def row_sum_twice() -> onnx.ModelProto:
    """y = -s, z = |s|, s the sums of rows of four."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "axis"], ["s"], keepdims=0),
        helper.make_node("Neg", ["s"], ["y"]),
        helper.make_node("Abs", ["s"], ["z"]),
    ]
    outs = [tensor(n, F32, [32]) for n in "yz"]
    return model("row_sum_twice", nodes, [tensor("x", F32, [32, 4])], outs, [constant("axis", I64, [1], [1])])


def residual_sum_twice() -> onnx.ModelProto:
    """u = r + row sums of x; y = -u, z = |u|."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "axis"], ["s"], keepdims=0),
        helper.make_node("Add", ["s", "r"], ["u"]),
        helper.make_node("Neg", ["u"], ["y"]),
        helper.make_node("Abs", ["u"], ["z"]),
    ]
    ins = [tensor("x", F32, [32, 2]), tensor("r", F32, [32])]
    return model(
        "residual_sum_twice", nodes, ins, [tensor(n, F32, [32]) for n in "yz"], [constant("axis", I64, [1], [1])]
    )


def chain_twice(first: str) -> Graph:
    """u = (a `first` b) + c; y = -u, z = |u|."""

    def build() -> onnx.ModelProto:
        nodes = [
            helper.make_node(first, ["a", "b"], ["p"]),
            helper.make_node("Add", ["p", "c"], ["u"]),
            helper.make_node("Neg", ["u"], ["y"]),
            helper.make_node("Abs", ["u"], ["z"]),
        ]
        return model("chain_twice", nodes, [tensor(n, F32, [32]) for n in "abc"], [tensor(n, F32, [32]) for n in "yz"])

    return build


def shared_scalar_sum() -> onnx.ModelProto:
    """y = x - ((a + b) + c), a, b, c of one element."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["p"]),
        helper.make_node("Add", ["p", "c"], ["u"]),
        helper.make_node("Sub", ["x", "u"], ["y"]),
    ]
    ins = [tensor("x", F32, [32]), *(tensor(n, F32, [1]) for n in "abc")]
    return model("shared_scalar_sum", nodes, ins, [tensor("y", F32, [32])])


def multiply_add(element: int, outputs: str = "y") -> Graph:
    def build() -> onnx.ModelProto:
        nodes = [helper.make_node("Mul", ["a", "b"], ["p"]), helper.make_node("Add", ["p", "c"], ["y"])]
        ins, outs = ([tensor(n, element, [32]) for n in names] for names in ("abc", outputs))
        return model("multiply_add", nodes, ins, outs)

    return build


def product_open() -> onnx.ModelProto:
    ins = [tensor("a", F32, ["M", "K"]), tensor("b", F32, ["K", "N"])]
    return model("product", [helper.make_node("MatMul", ["a", "b"], ["y"])], ins, [tensor("y", F32, ["M", "N"])])


def gemm() -> onnx.ModelProto:
    ins = [tensor("a", F32, [8, 8]), tensor("b", F32, [8, 8]), tensor("c", F32, [8])]
    return model("gemm", [helper.make_node("Gemm", ["a", "b", "c"], ["y"])], ins, [tensor("y", F32, [8, 8])])


def layers() -> onnx.ModelProto:
    """Six times h = relu(h * W_l + B_l)."""
    nodes, h = [], "x"
    for n in range(6):
        nodes += [
            helper.make_node("Mul", [h, f"W{n}"], [f"m{n}"]),
            helper.make_node("Add", [f"m{n}", f"B{n}"], [f"a{n}"]),
            helper.make_node("Relu", [f"a{n}"], ["y" if n == 5 else f"h{n}"]),
        ]
        h = f"h{n}"
    ins = [tensor("x", F32, [32]), *(tensor(f"{k}{n}", F32, [32]) for n in range(6) for k in "WB")]
    return model("layers", nodes, ins, [tensor("y", F32, [32])])


def square_transpose() -> onnx.ModelProto:
    nodes = [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 2, 0])]
    return model("square_transpose", nodes, [tensor("x", F32, [4, 4, 4])], [tensor("y", F32, [4, 4, 4])])


def chain(nodes: Sequence[onnx.NodeProto], ins: str, outs: str, *stored: TensorProto) -> Graph:
    """Nodes over f32 [32] tensors."""

    def build() -> onnx.ModelProto:
        return model("chain", nodes, [tensor(n, F32, [32]) for n in ins], [tensor(n, F32, [32]) for n in outs], stored)

    return build


def node(op: str, ins: Sequence[str], out: str) -> onnx.NodeProto:
    return helper.make_node(op, list(ins), [out])


def neighbours_halved() -> onnx.ModelProto:
    """y = x[:31] x[1:] / 2."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "last"], ["a"]),
        helper.make_node("Slice", ["x", "one", "end"], ["b"]),
        helper.make_node("Mul", ["a", "b"], ["p"]),
        helper.make_node("Div", ["p", "two"], ["y"]),
    ]
    stored = [constant(n, I64, [1], [v]) for n, v in (("zero", 0), ("one", 1), ("last", 31), ("end", 32))]
    ends = [tensor("x", F32, [32])], [tensor("y", F32, [31])]
    return model("neighbours_halved", nodes, *ends, [*stored, constant("two", F32, [], [2])])


TWO, LOW, HIGH = constant("two", F32, [], [2]), constant("low", F32, [], [0]), constant("high", F32, [], [6])
SIZE_OF_SUM = chain([node("Add", "ab", "s"), node("Abs", "s", "y")], "ab", "y")
HALF_AND_MORE = chain([node("Div", ["a", "two"], "h"), node("Add", "hb", "y")], "ab", "y", TWO)
TIMES_ONE = chain(
    [node("Mul", "ab", "p"), node("Mul", ["p", "one"], "q"), node("Add", "qc", "y")],
    "abc",
    "y",
    constant("one", F32, [], [1]),
)
CLIPPED = chain([node("Clip", ["x", "low", "high"], "y")], "x", "y", LOW, HIGH)
REVERSED_SIZE = chain(
    [node("Slice", ["x", "first", "end", "axis", "step"], "r"), node("Abs", "r", "y")], "x", "y",
    *(constant(n, I64, [1], [v]) for n, v in (("first", 31), ("end", -33), ("axis", 0), ("step", -1))),
)  # fmt: skip

TIMES_E = chain([node("Exp", ["one"], "e"), node("Mul", "xe", "y")], "x", "y", constant("one", F32, [], [1]))
E_WHERE_ONE = chain(
    [node("Equal", ["x", "one"], "is"), node("Exp", "x", "e"), node("Where", ["is", "e", "x"], "y")], "x", "y",
    constant("one", F32, [], [1]),
)  # fmt: skip


def times_exp_of_index(shape: list[int], along: list[int]) -> Graph:
    """y = x * exp(i), i the index along the dimension that `along` keeps."""

    def build() -> onnx.ModelProto:
        nodes = [
            node("Range", ["zero", "count", "one"], "i"),
            node("Reshape", ["i", "along"], "j"),
            helper.make_node("Cast", ["j"], ["f"], to=F32),
            node("Exp", "f", "e"),
            node("Mul", "xe", "y"),
        ]
        stored = [constant(n, I32, [], [v]) for n, v in (("zero", 0), ("count", max(along)), ("one", 1))]
        stored.append(constant("along", I64, [len(along)], along))
        return model("times_exp", nodes, [tensor("x", F32, shape)], [tensor("y", F32, shape)], stored)

    return build


def graph_of(
    nodes: Sequence[tuple[str, Sequence[str], str]],
    inputs: dict[str, tuple[int, Sequence[Extent]]],
    outputs: dict[str, tuple[int, Sequence[Extent]]],
    constants: dict[str, tuple[int, Sequence[int], Sequence[float]]] | None = None,
    **attributes: dict[str, object],
) -> Graph:
    """nodes: (operator, operands, result); attributes: by result; constants: name -> (type, dimensions, values)."""

    def build() -> onnx.ModelProto:
        made = [helper.make_node(op, list(ins), [out], **attributes.get(out, {})) for op, ins, out in nodes]
        known = [constant(n, *c) for n, c in (constants or {}).items()]
        ins, outs = ([tensor(n, *t) for n, t in table.items()] for table in (inputs, outputs))
        return model("graph", made, ins, outs, known)

    return build


VECTORS = {n: (F32, [32]) for n in "abc"}
GRAPHS: dict[str, Graph] = {
    "cut_frees_a_weight": graph_of(
        [("Mul", "aw", "y")], {"a": (F32, [32])}, {"y": (F32, [32])}, {"w": (F32, [], [2.0])}
    ),
    "product_divided_by_round": graph_of(
        [("Mul", "ab", "p"), ("Div", "pd", "q"), ("Add", "qc", "y")],
        {n: (F32, [2, 32]) for n in "abc"},
        {"y": (F32, [2, 32])},
        {"d": (F32, [2, 1], [1.0, 2.0])},
    ),
    "product_of_a_product": graph_of(
        [("Mul", "ab", "p"), ("Mul", ["p", "one"], "q"), ("Add", "qc", "y")],
        VECTORS,
        {"y": (F32, [32])},
        {"one": (F32, [], [1.0])},
    ),
    "product_of_absolute_square": graph_of(
        [("Mul", "aa", "p"), ("Abs", "p", "q"), ("Add", "qc", "y")],
        {n: VECTORS[n] for n in "ac"},
        {"y": (F32, [32])},
    ),
    "product_of_equal_maxima": graph_of(
        [("Mul", "ab", "p"), ("Max", "pp", "q"), ("Add", "qc", "y")], VECTORS, {"y": (F32, [32])}
    ),
    "product_times_one": graph_of(
        [("Mul", "ab", "p"), ("Mul", ["p", "one"], "q"), ("Add", ["q", "three"], "y")],
        {n: VECTORS[n] for n in "ab"},
        {"y": (F32, [32])},
        {"one": (F32, [], [1.0]), "three": (F32, [], [3.0])},
    ),
    "broadcast_sum_in_two_orders": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("Add", ["s", "r"], "y")],
        {"x": (F32, [4]), "r": (F32, [32])},
        {"y": (F32, [32])},
        {"axis": (I64, [1], [0])},
        s={"keepdims": 0},
    ),
    "condition_divides_negative": unary("Neg", 32),
    "constant_hidden_in_bits": graph_of(
        [("Exp", ["seven"], "e"), ("Mul", ["a", "e"], "y")],
        {"i": (I32, [32]), "a": (F32, [32])},
        {"y": (F32, [32])},
        {"seven": (F32, [], [7.0])},
    ),
    "digraph_directive": unary("Identity", 32),
    "enumerator_of_another_namespace": unary("Neg", 32),
    "initializer_of_own_name": unary("Neg", 32),
    "macro_declares_two_arrays": unary("Neg", 32),
    "macro_negates_negative": with_constant("Sub", 32, 1.0),
    "macro_parameter_beside_number": with_constant("Mul", 32, 3.04),
    "method_before_function": unary("Neg", 32),
    "namespace_hidden_by_local": unary("Neg", 32),
    "overload_declared_later": unary("Identity", 32),
    "product_hidden_by_bits": multiply_add(F16),
    "product_hidden_by_division": graph_of(
        [("Div", ["a", "two"], "q"), ("Add", ["q", "c"], "y")],
        {n: VECTORS[n] for n in "ac"},
        {"y": (F32, [32])},
        {"two": (F32, [], [2.0])},
    ),
    "product_hidden_by_maximum": graph_of(
        [("Mul", "ab", "p"), ("Max", "pp", "q"), ("Add", "qc", "y")], VECTORS, {"y": (F32, [32])}
    ),
    "rounds_fused_apart": graph_of(
        [("Mul", "ab", "q"), ("Add", "qc", "u"), ("Neg", "u", "y"), ("Abs", "u", "z")],
        VECTORS,
        {n: (F32, [32]) for n in "yzq"},
    ),
    "signed_overflow_of_data": graph_of(
        [("Add", ["x", "one"], "s"), ("Greater", "sx", "g"), ("Where", ["g", "w", "zero"], "y")],
        {n: (I32, [32]) for n in "xw"},
        {"y": (I32, [32])},
        {"one": (I32, [], [1]), "zero": (I32, [], [0])},
    ),
    "zeros_beside_a_reduction": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("Concat", "su", "w"), ("Add", "wc", "y")],
        {"x": (F32, [16, 4]), "u": (F32, [16]), "c": (F32, [32])},
        {"y": (F32, [32])},
        {"axis": (I64, [1], [1])},
        s={"keepdims": 0},
        w={"axis": 0},
    ),
    "exit_beside_another": negated([3, 3, 3, 5], 8),
    "exit_jumps_over_zero": negated([3], 8),
    "exits_in_both_arms": unary("Neg", 32),
    "loop_starts_past_its_bound": negated([8], 128),
    "loop_starts_past_its_range": unary("Neg", 128),
    "barrier_rounds_by_thread": unary("Neg", 32),
    "barrier_under_predefined_macro": reversed_(64),
    "bias_of_other_axis": gemm,
    "carried_in_both_branches": second_repeated,
    "carried_in_one_branch": second_repeated,
    "contraction_beside_shuffle": multiply_add(F16, "yp"),
    "contraction_of_floats_through_shared": multiply_add(F32),
    "contraction_of_own_lane": multiply_add(F16, "yp"),
    "contraction_past_shuffle": multiply_add(F16, "yp"),
    "contraction_through_local": multiply_add(F16),
    "contraction_through_output": multiply_add(F16),
    "contraction_through_shared": multiply_add(F16),
    "counter_barrier_byte_of_thread": unary("Neg", 2048),
    "counter_barrier_sets_flag": plus(256, 1.0),
    "counter_barrier_target_late": unary("Neg", 256),
    "counter_read_in_next_round": plus(4, 5, I32),
    "division_by_zero_unused": unary("Neg", 32),
    "exclusive_or_of_minus_one": unary("Neg", 32),
    "exponential_of_carried_constant": TIMES_E,
    "exponential_of_compared_value": E_WHERE_ONE,
    "exponential_of_constant": TIMES_E,
    "exponential_of_first_round": TIMES_E,
    "exponential_of_pinned_thread": times_exp_of_index([32], [32]),
    "exponential_of_unrolled_round": times_exp_of_index([3, 32], [3, 1]),
    "fused_in_one_place": chain_twice("Mul"),
    "halves_overlap": gemm,
    "integer_to_float_rounded_twice": plus(32, 2.0**60),
    "integer_to_float_toward_zero": plus(32, 16777220.0),
    "last_layer_swapped": layers,
    "lemma_and_fused_elsewhere": chain_twice("Mul"),
    "lemma_clips_minus_zero": CLIPPED,
    "lemma_clips_nan": CLIPPED,
    "lemma_of_another_cell": REVERSED_SIZE,
    "lemma_of_bits_of_nan": SIZE_OF_SUM,
    "lemma_of_bits_of_stored_nan": SIZE_OF_SUM,
    "lemma_of_finite_values": unary("Identity", 32),
    "lemma_of_fused_product": HALF_AND_MORE,
    "lemma_of_normal_values": HALF_AND_MORE,
    "lemma_of_one_cell_for_two": neighbours_halved,
    "lemma_of_other_rounds": reduced("ReduceL1", [32, 8], [32], 1),
    "lemma_of_product": TIMES_ONE,
    "lemma_of_rounded_product": HALF_AND_MORE,
    "local_array_of_last_round": second_repeated,
    "loop_bound_minimum": unary("Neg", "N"),
    "loop_bound_truncates": unary("Neg", "N"),
    "loop_bound_wraps": unary("Neg", "N"),
    "maximum_by_comparison": reduced("ReduceMax", [32, 8], [32], 1),
    "maximum_from_first_term": reduced("ReduceMax", [32, 8], [32], 1),
    "maximum_from_infinity": two_inputs("Max"),
    "maximum_strict_by_select": two_inputs("Max"),
    "maximum_strict_one_test": two_inputs("Max"),
    "middle_counted_twice": reduced("ReduceSum", ["N"], [1], 0),
    "mixed_signs_compared": unary("Neg", 32),
    "negation_by_subtraction": unary("Neg", 32),
    "or_of_negative": unary("Neg", 32),
    "orders_by_thread": shared_scalar_sum,
    "orders_of_a_chain": chain_twice("Add"),
    "orders_of_loop_and_pairs": row_sum_twice,
    "orders_of_two_uses": residual_sum_twice,
    "permutation_inverted": square_transpose,
    "relu_of_nan": unary("Relu", 32),
    "padding_of_one_factor": product_open,
    "return_in_halving_loop": unary("Neg", 32),
    "shift_of_negative": unary("Neg", 32),
    "shift_past_width_unused": unary("Neg", 32),
    "shuffle_after_return": unary("Neg", 32),
    "shuffle_down_past_warp": doubled(32),
    "shuffle_is_no_barrier": reversed_(32),
    "shuffle_lane_past_warp": doubled(32),
    "shuffle_to_earlier_segment": doubled(32),
    "stores_around_barrier": reversed_(64),
    "stores_around_grid_barrier": reversed_(64),
    "undefined_for_one_element": reduced("ReduceSum", ["N"], [1], 0),
    "warp_barrier_by_rounds": reversed_(64),
    "warp_barrier_of_one_warp": reversed_(64),
    "warp_barrier_of_some_lanes": unary("Neg", 64),
    "warp_barrier_on_rows_of_24": reversed_(48),
}


def main() -> None:
    for name, build in GRAPHS.items():
        onnx.save(build(), ROOT / name / "model.onnx")


if __name__ == "__main__":
    main()

"""Builders of the small graphs that the cases of this folder are checked against."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import constant, model, tensor

F16, F32, I32, I64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
BOOL, U32 = TensorProto.BOOL, TensorProto.UINT32
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


def hidden_sum() -> onnx.ModelProto:
    """Three times h = -relu(h W_l + b_l), each h named as the product's sum would be."""
    nodes, h = [], "x"
    for n in range(3):
        g = f"g{n}" if n else "g"
        nodes += [
            helper.make_node("Gemm", [h, f"w{n}", f"b{n}"], [g]),
            helper.make_node("Relu", [g], [f"r{n}"]),
            helper.make_node("Neg", [f"r{n}"], ["y" if n == 2 else f"{g}__sum"]),
        ]
        h = f"{g}__sum"
    weights = [tensor(f"{k}{n}", F32, [4, 4] if k == "w" else [4]) for n in range(3) for k in "wb"]
    return model("hidden_sum", nodes, [tensor("x", F32, [4, 4]), *weights], [tensor("y", F32, [4, 4])])


def overloaded() -> onnx.ModelProto:
    """y = F(x) by the overload of F that negates; another takes the absolute value."""
    out = model("overloaded", [], [tensor("x", F32, [32])], [tensor("y", F32, [32])])
    out.opset_import.append(helper.make_opsetid("own", 1))
    out.graph.node.append(helper.make_node("F", ["x"], ["y"], domain="own", overload="negative"))
    for overload, op in (("negative", "Neg"), ("size", "Abs")):
        body = helper.make_function(
            "own", "F", "a", "b", [helper.make_node(op, "a", "b")], [helper.make_opsetid("", 18)]
        )
        body.overload = overload
        out.functions.append(body)
    return out


def halves_added() -> onnx.ModelProto:
    """y = a + b, the halves of x, cut out by one node."""
    nodes = [helper.make_node("Split", ["x"], ["a", "b"], num_outputs=2), helper.make_node("Add", ["a", "b"], ["y"])]
    return model("halves_added", nodes, [tensor("x", F32, [8])], [tensor("y", F32, [4])])


def scaled_layers() -> onnx.ModelProto:
    """Four times h = relu(h * c_l), every c_l two stored numbers."""
    numbers = [[2.0, 3.0], [0.5, 7.0], [1.5, -1.0], [4.0, 0.25]]
    stored = [constant(f"c{n}", F32, [2], c) for n, c in enumerate(numbers)]
    nodes, h = [], "x"
    for n in range(4):
        nodes.append(helper.make_node("Mul", [h, f"c{n}"], [f"m{n}"]))
        h = "y" if n == 3 else f"h{n}"
        nodes.append(helper.make_node("Relu", [f"m{n}"], [h]))
    return model("scaled_layers", nodes, [tensor("x", F32, [2])], [tensor("y", F32, [2])], stored)


def times_node() -> onnx.ModelProto:
    """y = x * [2, 3], the numbers made by a node."""
    nodes = [
        helper.make_node("Constant", [], ["c"], value=constant("", F32, [2], [2.0, 3.0])),
        helper.make_node("Mul", ["x", "c"], ["y"]),
    ]
    return model("times_node", nodes, [tensor("x", F32, [2])], [tensor("y", F32, [2])])


def row_at_position() -> onnx.ModelProto:
    nodes = [helper.make_node("Gather", ["x", "P"], ["y"], axis=0)]
    ins = [tensor("x", F32, [8, 4]), tensor("P", I32, [1])]
    return model("row_at_position", nodes, ins, [tensor("y", F32, [1, 4])])


VECTORS = {n: (F32, [32]) for n in "abc"}

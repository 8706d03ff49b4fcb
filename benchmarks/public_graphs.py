"""Graphs that public kernels are checked against, one builder for each operation, shared by the tables in `benchmarks/public/`.

A builder takes a `Net` and sizes by name (a number, or the name of a symbol where the size is open). Names of its inputs and
outputs are what the tables bind kernels' parameters to.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import TensorProto, helper

Dim = int | str
DTYPES: dict[str, int] = {
    "f16": TensorProto.FLOAT16,
    "bf16": TensorProto.BFLOAT16,
    "f32": TensorProto.FLOAT,
    "f64": TensorProto.DOUBLE,
    "i32": TensorProto.INT32,
    "i64": TensorProto.INT64,
}


@dataclass(slots=True)
class Net:
    """A graph being written. dtype: the type of its tensors where nothing else is said."""

    dtype: str = "f32"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    count: int = 0

    def fresh(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def input(self, name: str, dims: Sequence[Dim], dtype: str = "") -> str:
        self.inputs.append(helper.make_tensor_value_info(name, DTYPES[dtype or self.dtype], list(dims)))
        return name

    def const(self, values: float | Sequence[float], dtype: str = "") -> str:
        dims = [len(values)] if isinstance(values, Sequence) else []
        flat = list(values) if isinstance(values, Sequence) else [values]
        name = self.fresh()
        self.constants.append(helper.make_tensor(name, DTYPES[dtype or self.dtype], dims, flat))
        return name

    def op(self, kind: str, *ins: str, **attributes: Any) -> str:
        name = self.fresh()
        self.nodes.append(helper.make_node(kind, list(ins), [name], **attributes))
        return name

    def cast(self, x: str, dtype: str) -> str:
        return self.op("Cast", x, to=DTYPES[dtype])

    def output(self, name: str, value: str, dims: Sequence[Dim], dtype: str = "") -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, DTYPES[dtype or self.dtype], list(dims)))

    def reduce(self, kind: str, x: str, axis: int = -1, keep: bool = True) -> str:
        return self.op(kind, x, self.const([axis], "i64"), keepdims=int(keep))


Builder = Callable[..., None]
GRAPHS: dict[str, Builder] = {}


def graph(build: Builder) -> Builder:
    GRAPHS[build.__name__] = build
    return build


def model(name: str, dtype: str, sizes: Mapping[str, Dim]) -> onnx.ModelProto:
    """The graph `name` at these sizes; sizes that its builder does not take concern the launch alone."""
    build, net = GRAPHS[name], Net(dtype)
    build(net, **{k: v for k, v in sizes.items() if k in inspect.signature(build).parameters})
    made = helper.make_graph(net.nodes, name, net.inputs, net.outputs, net.constants)
    return helper.make_model(made, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


# ------------------------------------------------------------------------------------------------ one element after another
def unary(name: str, value: Callable[[Net, str], str]) -> None:
    def build(g: Net, N: Dim) -> None:
        g.output("y", value(g, g.input("x", [N])), [N])

    GRAPHS[name] = build


def clip(low: float, high: float, then: Callable[[Net, str], str]) -> Callable[[Net, str], str]:
    return lambda g, x: then(g, g.op("Min", g.op("Max", x, g.const(low)), g.const(high)))


def sigmoid(g: Net, x: str) -> str:
    one = g.const(1.0)
    return g.op("Div", one, g.op("Add", one, g.op("Exp", g.op("Neg", x))))


def swish_quotient(g: Net, x: str) -> str:
    return g.op("Div", x, g.op("Add", g.const(1.0), g.op("Exp", g.op("Neg", x))))


def hardswish(g: Net, x: str) -> str:
    """x (x + 3) / 6 between -3 and 3, as its authors write it: not ONNX's x max(0, min(1, x / 6 + 1 / 2))."""
    inner = g.op("Div", g.op("Mul", x, g.op("Add", x, g.const(3.0))), g.const(6.0))
    lower = g.op("Where", g.op("Less", x, g.const(-3.0)), g.const(0.0), inner)
    return g.op("Where", g.op("Greater", x, g.const(3.0)), x, lower)


def hardswish_closed(g: Net, x: str) -> str:
    """The same with x itself from 3 and 0 up to -3 included."""
    inner = g.op("Div", g.op("Mul", x, g.op("Add", x, g.const(3.0))), g.const(6.0))
    lower = g.op("Where", g.op("LessOrEqual", x, g.const(-3.0)), g.const(0.0), inner)
    return g.op("Where", g.op("GreaterOrEqual", x, g.const(3.0)), x, lower)


def hardshrink(g: Net, x: str) -> str:
    kept = g.op("Or", g.op("Greater", x, g.const(0.5)), g.op("Less", x, g.const(-0.5)))
    return g.op("Where", kept, x, g.const(0.0))


def elu(g: Net, x: str) -> str:
    below = g.op("Mul", g.const(1.0), g.op("Sub", g.op("Exp", x), g.const(1.0)))
    return g.op("Where", g.op("Greater", x, g.const(0.0)), x, below)


def gelu_tanh(g: Net, x: str) -> str:
    """The constant as float and the cube from left to right, as llm.c's CPU reference."""
    cube = g.op("Mul", g.op("Mul", g.op("Mul", g.const(0.044715), x), x), x)
    scaled = g.op("Mul", g.op("Sqrt", g.const(2.0 / math.pi)), g.op("Add", x, cube))
    return g.op("Mul", g.op("Mul", g.const(0.5), x), g.op("Add", g.const(1.0), g.op("Tanh", scaled)))


def gelu_tanh_double(g: Net, x: str) -> str:
    """As above with the constant and its product in double."""
    cube = g.op("Mul", g.op("Mul", g.op("Mul", g.const(0.044715), x), x), x)
    factor = g.const(math.sqrt(2.0) * (2.0 / math.sqrt(math.pi)) * 0.5, "f64")
    inner = g.cast(g.op("Mul", factor, g.cast(g.op("Add", x, cube), "f64")), "f32")
    return g.op("Mul", g.op("Mul", g.const(0.5), x), g.op("Add", g.const(1.0), g.op("Tanh", inner)))


def in_float(then: Callable[[Net, str], str]) -> Callable[[Net, str], str]:
    """In float, on tensors of a narrower type."""

    def value(g: Net, x: str) -> str:
        narrow = g.dtype
        g.dtype = "f32"
        found = then(g, g.cast(x, "f32"))
        g.dtype = narrow
        return g.cast(found, narrow)

    return value


F32_EXP = (-88.3762626647949, 88.3762626647949)
F16_EXP = (-9.704060527839234, 11.089866488461016)
for _name, _value in {
    "relu": lambda g, x: g.op("Relu", x),
    "relu_nan_to_zero": lambda g, x: g.op("Max", g.const(0.0), x),
    "sigmoid": lambda g, x: g.op("Sigmoid", x),
    "sigmoid_clipped": clip(*F32_EXP, sigmoid),
    "sigmoid_clipped_f16": clip(*F16_EXP, sigmoid),
    "swish_quotient": swish_quotient,
    "swish_product": lambda g, x: g.op("Mul", x, sigmoid(g, x)),
    "hardswish": hardswish,
    "hardswish_closed": hardswish_closed,
    "hardshrink": hardshrink,
    "elu": elu,
    "gelu_tanh": gelu_tanh,
    "gelu_tanh_in_float": in_float(gelu_tanh),
    "gelu_tanh_double_clipped": clip(*F32_EXP, gelu_tanh_double),
}.items():
    unary(_name, _value)


@graph
def add(g: Net, N: Dim) -> None:
    g.output("c", g.op("Add", g.input("a", [N]), g.input("b", [N])), [N])


@graph
def add_zero(g: Net, N: Dim) -> None:
    g.output("c", g.op("Add", g.op("Add", g.input("a", [N]), g.input("b", [N])), g.const(0.0)), [N])


@graph
def multiply(g: Net, N: Dim) -> None:
    g.output("c", g.op("Mul", g.input("a", [N]), g.input("b", [N])), [N])


@graph
def add_in_float(g: Net, N: Dim) -> None:
    total = g.op("Add", g.cast(g.input("a", [N]), "f32"), g.cast(g.input("b", [N]), "f32"))
    g.output("c", g.cast(total, g.dtype), [N])


# ------------------------------------------------------------------------------------------------ moving
@graph
def transpose(g: Net, M: Dim, N: Dim) -> None:
    g.output("y", g.op("Transpose", g.input("x", [M, N]), perm=[1, 0]), [N, M])


@graph
def copy(g: Net, M: Dim, N: Dim) -> None:
    g.output("y", g.input("x", [M, N]), [M, N])


@graph
def upsample2(g: Net, N: int, H: int, W: int) -> None:
    """Each pixel four times."""
    pixels = g.op("Reshape", g.input("x", [N, H, W]), g.const([N, H, 1, W, 1], "i64"))
    four = g.op("Expand", pixels, g.const([N, H, 2, W, 2], "i64"))
    g.output("y", g.op("Reshape", four, g.const([N, 2 * H, 2 * W], "i64")), [N, 2 * H, 2 * W])


@graph
def embedding(g: Net, N: Dim, V: Dim, E: Dim) -> None:
    rows = g.op("Gather", g.input("weight", [V, E]), g.input("idx", [N], "i32"), axis=0)
    g.output("y", rows, [N, E])


@graph
def encoder(g: Net, B: Dim, T: Dim, C: Dim, V: Dim) -> None:
    """Token embedding plus position embedding, added in float."""
    rows = g.op("Gather", g.input("wte", [V, C]), g.input("inp", [B, T], "i32"), axis=0)
    total = g.op("Add", g.cast(rows, "f32"), g.cast(g.input("wpe", [T, C]), "f32"))
    g.output("out", g.cast(total, g.dtype), [B, T, C])


@graph
def permute_qkv(g: Net, B: int, N: int, NH: int, d: int) -> None:
    """(B, N, 3, NH, d) to three of (B, NH, N, d)."""
    moved = g.op("Transpose", g.input("inp", [B, N, 3, NH, d]), perm=[2, 0, 3, 1, 4])
    for i, name in enumerate("qkv"):
        g.output(name, g.op("Gather", moved, g.const(i, "i64"), axis=0), [B, NH, N, d])


@graph
def unpermute(g: Net, B: int, N: int, NH: int, d: int) -> None:
    g.output("out", g.op("Transpose", g.input("inp", [B, NH, N, d]), perm=[0, 2, 1, 3]), [B, N, NH, d])


@graph
def permute_3201(g: Net, D1: int, D2: int, D3: int, D4: int) -> None:
    g.output("out", g.op("Transpose", g.input("inp", [D1, D2, D3, D4]), perm=[3, 2, 0, 1]), [D4, D3, D1, D2])


# ------------------------------------------------------------------------------------------------ sums and products
@graph
def gemm(g: Net, M: Dim, N: Dim, K: Dim) -> None:
    """alpha A B + beta C0."""
    ab = g.op("MatMul", g.input("A", [M, K]), g.input("B", [K, N]))
    c0 = g.input("C0", [M, N])
    g.output("C", g.op("Add", g.op("Mul", ab, g.input("alpha", [])), g.op("Mul", c0, g.input("beta", []))), [M, N])


@graph
def matmul(g: Net, M: Dim, N: Dim, K: Dim) -> None:
    g.output("c", g.op("MatMul", g.input("a", [M, K]), g.input("b", [K, N])), [M, N])


@graph
def linear(g: Net, B: Dim, C: Dim, O: Dim) -> None:
    """x (B, C) by the transpose of weight (O, C), and a bias."""
    ab = g.op("MatMul", g.input("inp", [B, C]), g.op("Transpose", g.input("weight", [O, C]), perm=[1, 0]))
    g.output("out", g.op("Add", ab, g.input("bias", [O])), [B, O])


@graph
def add_bias(g: Net, B: Dim, O: Dim) -> None:
    g.output("out", g.op("Add", g.input("x", [B, O]), g.input("bias", [O])), [B, O])


@graph
def gemv(g: Net, M: Dim, K: Dim) -> None:
    g.output("y", g.op("MatMul", g.input("a", [M, K]), g.input("x", [K])), [M])


@graph
def dot(g: Net, N: Dim) -> None:
    products = g.op("Mul", g.input("a", [N]), g.input("b", [N]))
    g.output("y", g.reduce("ReduceSum", products), [1])


@graph
def dot_rows(g: Net, M: Dim, N: Dim) -> None:
    products = g.op("Mul", g.input("a", [M, N]), g.input("b", [M, N]))
    g.output("y", g.reduce("ReduceSum", products, keep=False), [M])


@graph
def dot_into(g: Net, N: Dim) -> None:
    """A dot product added to what is there."""
    products = g.op("Mul", g.input("a", [N]), g.input("b", [N]))
    g.output("y", g.op("Add", g.input("y0", [1]), g.reduce("ReduceSum", products)), [1])


@graph
def total(g: Net, N: Dim) -> None:
    g.output("y", g.reduce("ReduceSum", g.cast(g.input("x", [N]), "f32")), [1], "f32")


@graph
def total_into(g: Net, N: Dim) -> None:
    """A sum, in float, added to what is there."""
    rows = g.reduce("ReduceSum", g.cast(g.input("x", [N]), "f32"))
    g.output("y", g.op("Add", g.input("y0", [1], "f32"), rows), [1], "f32")


@graph
def row_sums(g: Net, M: Dim, N: Dim) -> None:
    g.output("y", g.reduce("ReduceSum", g.input("x", [M, N]), keep=False), [M])


@graph
def row_sums_in_place(g: Net, M: Dim, N: Dim) -> None:
    """Sums of rows; the input is to stay as it is."""
    x = g.input("x", [M, N])
    g.output("y", g.reduce("ReduceSum", x, keep=False), [M])
    g.output("left", x, [M, N])


@graph
def row_means(g: Net, N: Dim, C: Dim) -> None:
    g.output("mean", g.reduce("ReduceMean", g.input("inp", [N, C]), keep=False), [N])


@graph
def row_rstd(g: Net, N: Dim, C: Dim) -> None:
    """1 / sqrt(variance + eps), the mean given."""
    shifted = g.op("Sub", g.input("inp", [N, C]), g.op("Unsqueeze", g.input("mean", [N]), g.const([1], "i64")))
    variance = g.reduce("ReduceMean", g.op("Mul", shifted, shifted), keep=False)
    g.output("rstd", g.op("Div", g.const(1.0), g.op("Sqrt", g.op("Add", variance, g.const(1e-5)))), [N])


@graph
def normalise(g: Net, N: Dim, C: Dim) -> None:
    """(inp - mean) rstd weight + bias, mean and rstd given for each row."""
    axis = g.const([1], "i64")
    mean, rstd = (g.op("Unsqueeze", g.input(n, [N]), axis) for n in ("mean", "rstd"))
    xi = g.op("Sub", g.input("inp", [N, C]), mean)
    scaled = g.op("Mul", g.op("Mul", rstd, xi), g.input("weight", [C]))
    g.output("out", g.op("Add", scaled, g.input("bias", [C])), [N, C])


@graph
def greatest(g: Net, N: Dim) -> None:
    g.output("y", g.reduce("ReduceMax", g.input("x", [N])), [1])


@graph
def greatest_into(g: Net, N: Dim) -> None:
    """The greatest element and what is there."""
    g.output("y", g.op("Max", g.input("y0", [1]), g.reduce("ReduceMax", g.input("x", [N]))), [1])


@graph
def histogram(g: Net, N: Dim, V: Dim) -> None:
    """How often each value below V occurs, added to what is there."""
    added = g.op("ScatterElements", g.input("y0", [V], "i32"), g.input("a", [N], "i32"), g.op("Expand", g.const([1], "i32"), g.op("Shape", "a")), axis=0, reduction="add")  # fmt: skip
    g.output("y", added, [V], "i32")


# ------------------------------------------------------------------------------------------------ rows
@graph
def softmax(g: Net, N: Dim, C: Dim) -> None:
    g.output("out", g.op("Softmax", g.input("inp", [N, C]), axis=-1), [N, C])


@graph
def softmax_columns(g: Net, N: Dim, C: Dim) -> None:
    g.output("out", g.op("Softmax", g.input("inp", [N, C]), axis=0), [N, C])


@graph
def softmax_in_float(g: Net, N: Dim, C: Dim) -> None:
    g.output("out", g.cast(g.op("Softmax", g.cast(g.input("inp", [N, C]), "f32"), axis=-1), g.dtype), [N, C])


@graph
def softmax_naive(g: Net, N: Dim, C: Dim) -> None:
    """Without the maximum."""
    e = g.op("Exp", g.input("inp", [N, C]))
    g.output("out", g.op("Div", e, g.reduce("ReduceSum", e)), [N, C])


@graph
def softmax_given(g: Net, N: Dim) -> None:
    """exp(x - most) / sum, both given."""
    e = g.op("Exp", g.op("Sub", g.input("x", [N]), g.input("most", [1])))
    g.output("y", g.op("Div", e, g.input("sum", [1])), [N])


@graph
def cross_entropy(g: Net, B: int, T: int, V: int) -> None:
    """-log(probs[target]); targets count within V."""
    index = g.op("Unsqueeze", g.input("targets", [B, T], "i32"), g.const([2], "i64"))
    picked = g.op("Squeeze", g.op("GatherElements", g.input("probs", [B, T, V]), index, axis=2), g.const([2], "i64"))
    g.output("losses", g.op("Neg", g.op("Log", picked)), [B, T])


def moments(g: Net, x: str) -> tuple[str, str, str, str]:
    """Mean, x - mean, variance + 1e-5 and its reciprocal root, rows kept as one column."""
    mean = g.reduce("ReduceMean", x)
    shifted = g.op("Sub", x, mean)
    variance = g.op("Add", g.reduce("ReduceMean", g.op("Mul", shifted, shifted)), g.const(1e-5))
    return mean, shifted, variance, g.op("Reciprocal", g.op("Sqrt", variance))


@graph
def layer_norm(g: Net, N: Dim, C: Dim) -> None:
    """With mean and rstd as outputs."""
    mean, shifted, _, rstd = moments(g, g.input("inp", [N, C]))
    scaled = g.op("Mul", g.op("Mul", rstd, shifted), g.input("weight", [C]))
    axis = g.const([1], "i64")
    g.output("out", g.op("Add", scaled, g.input("bias", [C])), [N, C])
    g.output("mean", g.op("Squeeze", mean, axis), [N])
    g.output("rstd", g.op("Squeeze", rstd, axis), [N])


@graph
def layer_norm_in_float(g: Net, N: Dim, C: Dim) -> None:
    """As `layer_norm`, in float on tensors of a narrower type."""
    narrow, g.dtype = g.dtype, "f32"
    mean, shifted, _, rstd = moments(g, g.cast(g.input("inp", [N, C], narrow), "f32"))
    weight, bias = (g.cast(g.input(n, [C], narrow), "f32") for n in ("weight", "bias"))
    scaled = g.op("Add", g.op("Mul", g.op("Mul", rstd, shifted), weight), bias)
    rows(g, {"out": scaled}, {"mean": mean, "rstd": rstd}, N, C, narrow)


def rows(g: Net, wide: Mapping[str, str], columns: Mapping[str, str], n: Dim, c: Dim, dtype: str) -> None:
    """Outputs of n rows and c columns, and of n rows from one column, all rounded to `dtype`."""
    for name, value in wide.items():
        g.output(name, g.cast(value, dtype), [n, c], dtype)
    for name, value in columns.items():
        g.output(name, g.cast(g.op("Squeeze", value, g.const([1], "i64")), dtype), [n], dtype)


@graph
def residual_layer_norm_in_float(g: Net, N: Dim, C: Dim) -> None:
    """The sum of two tensors; its mean before it is rounded, the rest of the normalisation from the rounded sum."""
    narrow, g.dtype = g.dtype, "f32"
    a, b = (g.cast(g.input(n, [N, C], narrow), "f32") for n in ("inp1", "inp2"))
    exact = g.op("Add", a, b)
    x = g.cast(g.cast(exact, narrow), "f32")
    mean = g.reduce("ReduceMean", exact)
    shifted = g.op("Sub", x, mean)
    variance = g.op("Add", g.reduce("ReduceMean", g.op("Mul", shifted, shifted)), g.const(1e-5))
    rstd = g.op("Reciprocal", g.op("Sqrt", variance))
    weight, bias = (g.cast(g.input(n, [C], narrow), "f32") for n in ("weight", "bias"))
    scaled = g.op("Add", g.op("Mul", g.op("Mul", rstd, shifted), weight), bias)
    rows(g, {"residual": exact, "normed": scaled}, {"mean": mean, "rstd": rstd}, N, C, narrow)


@graph
def residual_layer_norm(g: Net, N: Dim, C: Dim) -> None:
    """The sum of two tensors, and its layer normalisation."""
    x = g.op("Add", g.input("inp1", [N, C]), g.input("inp2", [N, C]))
    mean, shifted, _, rstd = moments(g, x)
    scaled = g.op("Mul", g.op("Mul", rstd, shifted), g.input("weight", [C]))
    axis = g.const([1], "i64")
    g.output("residual", x, [N, C])
    g.output("normed", g.op("Add", scaled, g.input("bias", [C])), [N, C])
    g.output("mean", g.op("Squeeze", mean, axis), [N])
    g.output("rstd", g.op("Squeeze", rstd, axis), [N])


@graph
def layer_norm_scalar(g: Net, N: Dim, C: Dim) -> None:
    """One scale g and one shift b for all columns."""
    _, shifted, _, rstd = moments(g, g.input("x", [N, C]))
    g.output("y", g.op("Add", g.op("Mul", g.op("Mul", shifted, rstd), g.input("g", [])), g.input("b", [])), [N, C])


@graph
def rms_norm_scalar(g: Net, N: Dim, C: Dim) -> None:
    x = g.input("x", [N, C])
    mean = g.op("Add", g.reduce("ReduceMean", g.op("Mul", x, x)), g.const(1e-5))
    g.output("y", g.op("Mul", g.op("Mul", x, g.op("Reciprocal", g.op("Sqrt", mean))), g.input("g", [])), [N, C])


# ------------------------------------------------------------------------------------------------ attention
@graph
def attention_scores(g: Net, B: int, T: int, NH: int, HS: int) -> None:
    """Scaled causal scores of (B, T, 3, NH, HS), minus infinity after a row's own position."""
    inp = g.op("Transpose", g.input("inp", [B, T, 3, NH, HS]), perm=[2, 0, 3, 1, 4])
    q, k = (g.op("Gather", inp, g.const(i, "i64"), axis=0) for i in (0, 1))
    scores = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2]))
    scaled = g.op("Mul", scores, g.const(1.0 / math.sqrt(HS)))
    g.output("preatt", masked(g, scaled, T), [B, NH, T, T])


def masked(g: Net, scores: str, T: int) -> str:
    ones = g.op("ConstantOfShape", g.const([T, T], "i64"), value=helper.make_tensor("one", TensorProto.INT64, [1], [1]))
    below = g.op("Cast", g.op("Trilu", ones, upper=0), to=TensorProto.BOOL)
    return g.op("Where", below, scores, g.const(-math.inf))


@graph
def scale_causal(g: Net, B: int, NH: int, T: int) -> None:
    scaled = g.op("Mul", g.input("inp", [B, NH, T, T]), g.input("scale", []))
    g.output("out", masked(g, scaled, T), [B, NH, T, T])


@graph
def causal_softmax(g: Net, B: int, NH: int, T: int) -> None:
    """Softmax over positions up to the row's own; zero after it."""
    g.output("att", g.op("Softmax", masked(g, g.input("preatt", [B, NH, T, T]), T), axis=-1), [B, NH, T, T])


@graph
def causal_softmax_scaled(g: Net, B: int, NH: int, T: int) -> None:
    scaled = g.op("Mul", g.input("preatt", [B, NH, T, T]), g.const(0.125))
    g.output("att", g.op("Softmax", masked(g, scaled, T), axis=-1), [B, NH, T, T])


@graph
def attention_values(g: Net, B: int, T: int, NH: int, HS: int) -> None:
    """att (B, NH, T, T), lower triangle, by values of (B, T, 3, NH, HS)."""
    inp = g.op("Transpose", g.input("inp", [B, T, 3, NH, HS]), perm=[2, 0, 3, 1, 4])
    v = g.op("Gather", inp, g.const(2, "i64"), axis=0)
    att = g.op("Trilu", g.input("att", [B, NH, T, T]), upper=0)
    g.output("out", g.op("Transpose", g.op("MatMul", att, v), perm=[0, 2, 1, 3]), [B, T, NH, HS])

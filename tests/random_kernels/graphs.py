"""Random graphs: a few ONNX nodes over small tensors, each with its meaning in numpy and as a C expression of one element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.random_kernels.drawing import Draw, chance, pick
from tests.random_kernels.indices import Index, constant, divided, minus, plus, remainder, times

Array = Any
Feeds = Mapping[str, Array]
At = Callable[[Sequence[Index]], str]
HALF, BF16 = "__half", "__nv_bfloat16"
ELEMENTS = {"float": TensorProto.FLOAT, HALF: TensorProto.FLOAT16, BF16: TensorProto.BFLOAT16, "int": TensorProto.INT32}
DTYPES: dict[str, Any] = {"float": np.float32, HALF: np.float16, BF16: ml_dtypes.bfloat16, "int": np.int32}
WIDENED = {HALF: "__half2float({})", BF16: "__bfloat162float({})"}
ZEROS = {"float": "0.0f", HALF: "__float2half(0.0f)", "int": "0"}


@dataclass(frozen=True)
class Tensor:
    """at: C text of the element at an index. value: the whole, from the inputs. exact: every order and fusion gives its bits."""

    name: str
    shape: tuple[int, ...]
    type: str
    at: At
    value: Callable[[Feeds], Array]


@dataclass(frozen=True)
class Sum:
    """A reduction over the last axis of `terms`. op: sum, max or min; then: what is done to the result, as C text.

    spread: the result goes back to all elements of its row, of which y has one each.
    """

    op: str
    terms: Tensor
    then: Callable[[str, Sequence[Index]], str]
    spread: bool = False


@dataclass
class Drawn:
    """A graph: its model, what computes one element of y (or `folded`, a reduction that gives it), and its meaning."""

    model: onnx.ModelProto
    inputs: dict[str, tuple[tuple[int, ...], str]]
    y: Tensor
    folded: Sum | None
    words: frozenset[str]
    open: frozenset[str] = frozenset()  # inputs whose first extent is the symbol N, as y's then is; others have none

    def shape(self, name: str, rows: int) -> tuple[int, ...]:
        """Of an input where N is `rows`."""
        shape = self.inputs[name][0]
        return (rows, *shape[1:]) if name in self.open else shape

    @property
    def count(self) -> str:
        """How many elements y has, in C."""
        inner = int(np.prod(self.y.shape[1:]))
        if not self.open:
            return str(self.y.shape[0] * inner)
        return "n" if inner == 1 else f"n * {inner}"


@dataclass
class Builder:
    draw: Draw
    rows: bool = False  # the first extent is open
    opened: set[str] = field(default_factory=set)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: list[onnx.TensorProto] = field(default_factory=list)
    inputs: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    count: int = 0

    # ------------------------------------------------------------------------------------------------ parts
    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.count += 1
        name = f"n{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attributes))
        self.words.add(op)
        return name

    def integers(self, values: Sequence[int]) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.stored.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], list(values)))
        return name

    def input(self, shape: tuple[int, ...], type: str, open: bool = False, raw: bool = False) -> Tensor:
        """raw: 16 bits stay what they are, where else the graph widens them first."""
        name = "xabc"[len(self.inputs)]
        self.opened |= {name} if open else set()
        self.inputs[name] = (shape, type)

        def at(index: Sequence[Index]) -> str:
            offset = constant(0)
            for i, n in zip(index, shape, strict=True):
                offset = i if offset.text == "0" else plus(times(offset, n), i)
            return f"{name}[{offset.text}]"

        given = Tensor(name, shape, type, at, lambda feeds: feeds[name])
        if type not in WIDENED or raw:
            return given
        text = WIDENED[type]
        wide = self.node("Cast", [name], to=TensorProto.FLOAT)
        return Tensor(wide, shape, "float", lambda i: text.format(at(i)), lambda f: f[name].astype(np.float32))

    # ------------------------------------------------------------------------------------------------ moving elements
    def moved(self, t: Tensor) -> Tensor:
        ways = ("transposed", "sliced", "reshaped", "joined", "padded", "turned")
        match pick(self.draw, ("sliced", "joined", "padded", "turned") if self.rows else ways):
            case "transposed" if len(t.shape) == 2:
                name = self.node("Transpose", [t.name], perm=[1, 0])
                shape = (t.shape[1], t.shape[0])
                return Tensor(name, shape, t.type, lambda i: t.at((i[1], i[0])), lambda f: t.value(f).T)
            case "sliced":
                return self.sliced(t)
            case "turned":
                return self.turned(t)
            case "reshaped":
                return self.reshaped(t)
            case "joined":
                return self.joined(t)
            case "padded":
                return self.padded(t)
            case _:
                return t

    def axis(self, t: Tensor) -> int:
        return 1 if self.rows else self.draw.integer(0, len(t.shape) - 1)

    def along(self, t: Tensor, axis: int, count: int, move: Callable[[Index], Index]) -> tuple[tuple[int, ...], At]:
        """The shape with `count` along an axis, and elements whose index there is moved."""
        shape = (*t.shape[:axis], count, *t.shape[axis + 1 :])
        return shape, lambda i: t.at([move(x) if k == axis else x for k, x in enumerate(i)])

    def sliced(self, t: Tensor) -> Tensor:
        axis = self.axis(t)
        n, step = t.shape[axis], pick(self.draw, (1, 2, 1, 3))
        first = self.draw.integer(0, n // 2)
        last = self.draw.integer(first + 1, n)
        parts = [self.integers([v]) for v in (first, last, axis, step)]
        name = self.node("Slice", [t.name, *parts])
        count = -(-(last - first) // step)
        shape, at = self.along(t, axis, count, lambda i: plus(times(i, step) if step > 1 else i, constant(first)))
        return Tensor(name, shape, t.type, at, lambda f: np.take(t.value(f), range(first, last, step), axis))

    def turned(self, t: Tensor) -> Tensor:
        """The other way round along an axis."""
        axis = self.axis(t)
        n = t.shape[axis]
        parts = [self.integers([v]) for v in (n - 1, -n - 1, axis, -1)]
        name = self.node("Slice", [t.name, *parts])
        shape, at = self.along(t, axis, n, lambda i: minus(constant(n - 1), i))
        return Tensor(name, shape, t.type, at, lambda f: np.flip(t.value(f), axis))

    def reshaped(self, t: Tensor) -> Tensor:
        total = int(np.prod(t.shape))
        shapes = [(total,), *((total // k, k) for k in (2, 3, 4, 8, 5) if total % k == 0)]
        shape = pick(self.draw, shapes)
        name = self.node("Reshape", [t.name, self.integers(shape)])

        def at(index: Sequence[Index]) -> str:
            linear = index[0] if len(shape) == 1 else plus(times(index[0], shape[1]), index[1])
            linear = Index(f"({linear.text})", linear.low, linear.high)
            return t.at(unravelled(linear, t.shape))

        return Tensor(name, shape, t.type, at, lambda f: t.value(f).reshape(shape))

    def joined(self, t: Tensor) -> Tensor:
        """After itself, or after another input, along an axis."""
        axis = self.axis(t)
        other = t
        if chance(self.draw, 50) and len(self.inputs) < 3:
            more = self.draw.integer(1, 4)
            other = self.input((*t.shape[:axis], more, *t.shape[axis + 1 :]), t.type, self.rows, True)
        first, second = (t, other) if chance(self.draw, 50) else (other, t)
        n = first.shape[axis]
        name = self.node("Concat", [first.name, second.name], axis=axis)
        shape = (*t.shape[:axis], n + second.shape[axis], *t.shape[axis + 1 :])

        def at(index: Sequence[Index]) -> str:
            here = index[axis]
            later = [minus(x, constant(n)) if k == axis else x for k, x in enumerate(index)]
            later[axis] = replace(later[axis], text=f"({later[axis].text})")
            return f"({here.text} < {n} ? {first.at(index)} : {second.at(later)})"

        return Tensor(name, shape, t.type, at, lambda f: np.concatenate([first.value(f), second.value(f)], axis))

    def padded(self, t: Tensor) -> Tensor:
        axis, before, after = self.axis(t), self.draw.integer(0, 2), self.draw.integer(0, 2)
        n, rank = t.shape[axis], len(t.shape)
        pads = [before if k == axis else after if k == rank + axis else 0 for k in range(2 * rank)]
        name = self.node("Pad", [t.name, self.integers(pads)])
        shape = (*t.shape[:axis], before + n + after, *t.shape[axis + 1 :])
        zero = ZEROS[t.type]

        def at(index: Sequence[Index]) -> str:
            here = index[axis]
            inner = [minus(x, constant(before)) if k == axis else x for k, x in enumerate(index)]
            inner[axis] = replace(inner[axis], text=f"({inner[axis].text})")
            return f"({here.text} >= {before} && {here.text} < {before + n} ? {t.at(inner)} : {zero})"

        widths = [(before, after) if k == axis else (0, 0) for k in range(rank)]
        return Tensor(name, shape, t.type, at, lambda f: np.pad(t.value(f), widths))

    # ------------------------------------------------------------------------------------------------ arithmetic
    def computed(self, t: Tensor) -> Tensor:
        match pick(self.draw, ("Add", "Mul", "Sub", "Neg", "Abs", "Relu", "Max", "Min")):
            case "Neg" | "Abs" | "Relu" as op:
                name = self.node(op, [t.name])
                text, value = UNARY[op][t.type == HALF], CHANGES[op]
                return Tensor(name, t.shape, t.type, lambda i: text.format(t.at(i)), lambda f: value(t.value(f)))
            case op:
                other = self.partner(t)
                a, b = (t, other) if chance(self.draw, 60) else (other, t)
                name = self.node(op, [a.name, b.name])
                text, both = BINARY[op][t.type == HALF], JOINS[op]

                def at(i: Sequence[Index]) -> str:
                    return text.format(self.spread(a, i), self.spread(b, i))

                return Tensor(name, t.shape, t.type, at, lambda f: both(a.value(f), b.value(f)))

    def partner(self, t: Tensor) -> Tensor:
        """The tensor itself, or an input that is broadcast to it."""
        if len(self.inputs) == 3 or chance(self.draw, 20):
            return t
        rows = tuple(1 if k else n for k, n in enumerate(t.shape))
        shapes = [(t.shape, self.rows), ((t.shape[-1],), False), (rows, self.rows), ((1,), False)]
        if self.rows and len(t.shape) == 1:  # a result for each row
            shapes = [(t.shape, True), ((1,), False)]
        shape, open = pick(self.draw, shapes)
        if t.type == HALF:
            return self.input(shape, HALF, open, True)
        return self.input(shape, pick(self.draw, ("float", "float", HALF, BF16)), open)

    @staticmethod
    def spread(t: Tensor, index: Sequence[Index]) -> str:
        own = index[len(index) - len(t.shape) :]
        return t.at([constant(0) if n == 1 else i for n, i in zip(t.shape, own, strict=True)])

    # ------------------------------------------------------------------------------------------------ the whole
    def build(self) -> Drawn:
        """Draws a graph that has one output y."""
        d = self.draw
        self.rows = chance(d, 30)
        flat = ((4, 8), (3, 5), (16, 4), (32,), (2, 16), (7, 3), (40,), (8, 8))
        shape = pick(d, ((6, 8), (6, 5), (6, 1), (6, 37)) if self.rows else flat)
        type, raw = pick(d, ("float", "float", "float", "int", HALF, BF16, HALF)), chance(d, 50)
        t = self.input(shape, type, self.rows, raw and type == HALF)
        ways = 2 if type != "int" else 1
        for _ in range(d.integer(0, 4)):
            t = (self.moved, self.computed)[d.integer(0, ways - 1)](t)
            if int(np.prod(t.shape)) > 300:
                break
        if t.type == "float" and chance(d, 50):
            return self.reduced(t)
        if not self.nodes or self.nodes[-1].output[0] != t.name:
            t = replace(t, name=self.node("Identity", [t.name]))
        return self.ended(t, None)

    def reduced(self, t: Tensor) -> Drawn:
        """The graph with a reduction over the last axis, or a product of matrices, at its end."""
        d = self.draw
        if len(t.shape) == 2 and chance(d, 30):
            return self.spread_out(t)
        if len(t.shape) == 2 and chance(d, 25) and len(self.inputs) < 3:
            terms, name, product = self.product(t)
            value: Callable[[Feeds], Array] = product
            op = "sum"
        else:
            op = pick(d, ("sum", "max", "sum", "min"))
            axes = self.integers([len(t.shape) - 1])
            name = self.node(REDUCTIONS[op], [t.name, axes], keepdims=0 if len(t.shape) == 2 else 1)
            terms = t if len(t.shape) == 2 else replace(t, shape=(1, *t.shape), at=lambda i: t.at(i[1:]))
            value = partial(folded, t, FOLDS[op], len(t.shape) == 1)
        shape = terms.shape[:-1]
        whole = Tensor(name, shape, "float", lambda i: "?", value)
        if chance(d, 40):
            hole = Tensor(name, shape, "float", lambda i: "HOLE", value)
            whole = self.computed(hole)
            made = whole.at
            return self.ended(whole, Sum(op, terms, lambda text, i: made(i).replace("HOLE", text)))
        return self.ended(whole, Sum(op, terms, lambda text, i: text))

    def spread_out(self, t: Tensor) -> Drawn:
        """Each element with the sum, or an extreme, of its row."""
        op, join = pick(self.draw, ("sum", "max", "min")), pick(self.draw, ("Sub", "Add", "Mul", "Max"))
        row = self.node(REDUCTIONS[op], [t.name, self.integers([1])], keepdims=1)
        value = partial(folded, t, FOLDS[op], True)
        name = self.node(join, [t.name, row])
        text, both = BINARY[join][0], JOINS[join]

        def then(result: str, i: Sequence[Index]) -> str:
            return text.format(t.at(i), result)

        y = Tensor(name, t.shape, "float", lambda i: "?", lambda f: both(t.value(f), value(f)))
        return self.ended(y, Sum(op, t, then, spread=True))

    def product(self, t: Tensor) -> tuple[Tensor, str, Callable[[Feeds], Array]]:
        n = self.draw.integer(1, 5)
        other = self.input((t.shape[1], n), "float")
        name = self.node("MatMul", [t.name, other.name])

        def at(i: Sequence[Index]) -> str:
            return f"({t.at((i[0], i[2]))} * {other.at((i[2], i[1]))})"

        terms = Tensor(name, (t.shape[0], n, t.shape[1]), "float", at, lambda f: None)
        return terms, name, lambda f: t.value(f) @ other.value(f)

    def ended(self, t: Tensor, folded: Sum | None) -> Drawn:
        if t.type == "float" and chance(self.draw, 20):
            t, folded = self.narrowed(t, folded)
        self.nodes[-1].output[0] = "y"
        inputs = [self.end(n, s, k, n in self.opened) for n, (s, k) in self.inputs.items()]
        output = self.end("y", t.shape, t.type, self.rows)
        graph = helper.make_graph(self.nodes, "g", inputs, [output], self.stored)
        model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
        return Drawn(model, self.inputs, t, folded, frozenset(self.words), frozenset(self.opened))

    def narrowed(self, t: Tensor, folded: Sum | None) -> tuple[Tensor, Sum | None]:
        """The output at 16 bits."""
        name, at, value = self.node("Cast", [t.name], to=TensorProto.FLOAT16), t.at, t.value
        narrow = Tensor(name, t.shape, HALF, lambda i: f"__float2half({at(i)})", lambda f: value(f).astype(np.float16))
        if folded is None:
            return narrow, None
        then = folded.then
        return narrow, replace(folded, then=lambda text, i: f"__float2half({then(text, i)})")

    @staticmethod
    def end(name: str, shape: tuple[int, ...], type: str, open: bool) -> onnx.ValueInfoProto:
        dims: list[int | str] = ["N", *shape[1:]] if open else list(shape)
        return helper.make_tensor_value_info(name, ELEMENTS[type], dims)


REDUCTIONS = {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}
FOLDS: dict[str, Callable[..., Array]] = {"sum": np.sum, "max": np.max, "min": np.min}
# C text, at 32 and at 16 bits
UNARY = {
    "Neg": ("-({})", "__hneg({})"),
    "Abs": ("fabsf({})", "__habs({})"),
    "Relu": ("fmaxf({}, 0.0f)", "__hmax({}, __float2half(0.0f))"),
}
BINARY = {
    "Add": ("({} + {})", "__hadd({}, {})"),
    "Mul": ("({} * {})", "__hmul({}, {})"),
    "Sub": ("({} - {})", "__hsub({}, {})"),
    "Max": ("fmaxf({}, {})", "__hmax({}, {})"),
    "Min": ("fminf({}, {})", "__hmin({}, {})"),
}
CHANGES: dict[str, Callable[[Array], Array]] = {
    "Neg": lambda v: -v,
    "Abs": np.abs,
    "Relu": lambda v: np.maximum(v, v.dtype.type(0)),
}
JOINS: dict[str, Callable[[Array, Array], Array]] = {
    "Add": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "Sub": lambda a, b: a - b,
    "Max": np.maximum,
    "Min": np.minimum,
}


def folded(t: Tensor, fold: Callable[..., Array], keep: bool, feeds: Feeds) -> Array:
    return fold(t.value(feeds), axis=-1, keepdims=keep)


def unravelled(linear: Index, shape: tuple[int, ...]) -> list[Index]:
    """The coordinates of a linear index, in C."""
    if len(shape) == 1:
        return [linear]
    inner = int(np.prod(shape[1:]))
    return [divided(linear, inner), *unravelled(remainder(linear, inner), shape[1:])]


def graph(draw: Draw) -> Drawn:
    return Builder(draw).build()

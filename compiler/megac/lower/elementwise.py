"""Operators on each element by itself, with numpy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from megac import index as ix
from megac.dtype import DType, from_onnx, value_of
from megac.errors import CompileError
from megac.expr import cast, number, select, truth
from megac.index import Ranges
from megac.ir import Const, Expr, IndexValue
from megac.lower.builder import Builder, Place
from megac.lower.registry import lowers
from megac.lower.tensors import KNOWN_LIMIT, Known, Tensor, broadcast, broadcast_index
from megac.lower.view import View
from megac.onnx_reader import Stored
from megac.size import ZERO, Size

OPERANDS = 64  # of a sum or an extreme
Compute = Callable[[Place, Sequence[Expr]], Expr]


def pointwise(n: View, b: Builder, inputs: Sequence[Tensor], dtype: DType, compute: Compute) -> Tensor:
    """Output 0 = compute(elements of the broadcast inputs); known, where the inputs are and it is decided."""
    known = _known(b, inputs, dtype, compute)
    if known is not None:
        return b.bind(n.output(), b.of_known(n.output(), known, dtype))
    return b.bind(n.output(), elements(b, n.output(), inputs, dtype, compute))


def elements(b: Builder, name: str, inputs: Sequence[Tensor], dtype: DType, compute: Compute) -> Tensor:
    """A stage of compute(elements of the broadcast inputs)."""
    shape = broadcast([t.shape for t in inputs])

    def body(p: Place) -> Expr:
        return compute(p, [p.get(t, broadcast_index(t.shape, p.index)) for t in inputs])

    return b.define(name, dtype, shape, body)


def _known(b: Builder, inputs: Sequence[Tensor], dtype: DType, compute: Compute) -> Known | None:
    values = [t.known for t in inputs]
    if dtype.is_float or any(v is None for v in values):
        return None
    spread = np.broadcast_arrays(*values)  # type: ignore[arg-type]
    if spread[0].size > KNOWN_LIMIT:
        return None
    out = np.empty(spread[0].shape, dtype=object)
    place = Place(b, (), Ranges({}, {}))
    for at in np.ndindex(*out.shape):
        args = [_element(v.item(at), t.dtype) for v, t in zip(spread, inputs, strict=True)]
        found = settled(compute(place, args))
        if found is None:
            return None
        out[at] = found
    return out


def _element(size: Size, dtype: DType) -> Expr:
    return truth(size != ZERO) if dtype is DType.BOOL else IndexValue(ix.constant(size), dtype)


def settled(e: Expr) -> Size | None:
    """The size or truth value that an expression is, where it is one."""
    if isinstance(e, Const) and e.dtype is DType.BOOL:
        return Size(e.bits)
    return e.index.size if isinstance(e, IndexValue) else None


def one_type(*tensors: Tensor) -> DType:
    """The element type that they share; raises CompileError where they do not."""
    types = {t.dtype for t in tensors}
    if len(types) != 1:
        raise CompileError(f"its operands are of types {', '.join(sorted(t.value for t in types))}")
    return types.pop()


def operands(n: View) -> list[Tensor]:
    """All inputs, of which there are not too many for one formula."""
    if not 0 < n.count <= OPERANDS:
        raise CompileError(f"it has {n.count} operands; 1 to {OPERANDS} are compiled")
    return n.inputs()


def a_float(t: Tensor) -> DType:
    if not t.dtype.is_float:
        raise CompileError(f"its operand `{t.name}` is of type {t.dtype.value}, which is no float")
    return t.dtype


def in_wide(x: Expr, compute: Callable[[Expr], Expr]) -> Expr:
    """compute in f32 for a 16-bit operand, rounded once."""
    return cast(compute(cast(x, x.dtype.wide)), x.dtype)


# ------------------------------------------------------------------------------------------------------- arithmetic
@lowers("Add", "Sub", "Mul", "Div")
def arithmetic(n: View, b: Builder) -> None:
    """In the tensors' own type, rounded once; integers wrap."""
    x, y = n.input(0), n.input(1)
    pointwise(n, b, [x, y], one_type(x, y), lambda p, a: p.op(n.op.lower(), *a))


@lowers("Neg", "Abs", "Sqrt", "Floor", "Ceil", "Round")
def unary(n: View, b: Builder) -> None:
    t = n.input(0).dtype if n.op in ("Neg", "Abs") else a_float(n.input(0))
    pointwise(n, b, [n.input(0)], t, lambda p, a: p.op(n.op.lower(), *a))


@lowers("Reciprocal")
def reciprocal(n: View, b: Builder) -> None:
    """1 / x, rounded once."""
    t = a_float(n.input(0))
    pointwise(n, b, [n.input(0)], t, lambda p, a: p.op("div", number(1.0, t), *a))


@lowers("Exp", "Log", "Sin", "Cos", "Tanh", "Erf")
def function(n: View, b: Builder) -> None:
    """The function of f32, rounded once to a 16-bit type."""
    t = a_float(n.input(0))
    pointwise(n, b, [n.input(0)], t, lambda p, a: in_wide(a[0], lambda x: p.op(n.op.lower(), x)))


@lowers("Pow")
def power(n: View, b: Builder) -> None:
    """Constant exponents 2 and 3 are products, 0.5 is a root; else powf, rounded once."""
    x, y = n.input(0), n.input(1)
    t = a_float(x)
    exponent = float(value_of(y.uniform.bits, y.dtype)) if y.uniform is not None else None

    def general(p: Place, a: Sequence[Expr]) -> Expr:
        if not a[1].dtype.is_float and a[1].dtype.bytes > 2:
            raise CompileError(f"its exponents are {a[1].dtype.value} that are data")
        return cast(p.op("pow", cast(a[0], t.wide), cast(a[1], t.wide)), t)

    match exponent:
        case 2.0:
            pointwise(n, b, [x], t, lambda p, a: p.op("mul", a[0], a[0]))
        case 3.0:
            pointwise(n, b, [x], t, lambda p, a: in_wide(a[0], lambda v: p.op("mul", p.op("mul", v, v), v)))
        case 0.5:
            pointwise(n, b, [x], t, lambda p, a: p.op("sqrt", a[0]))
        case _:
            pointwise(n, b, [x, y], t, general)
            return
    if broadcast([x.shape, y.shape]) != x.shape:
        raise CompileError("its exponent has more dimensions than its base")


@lowers("Mod")
def modulo(n: View, b: Builder) -> None:
    """Of integers, with the divisor's sign."""
    x, y = n.input(0), n.input(1)
    if one_type(x, y).is_float or n.flag("fmod"):
        raise CompileError("it is on floats, or with `fmod`")
    pointwise(n, b, [x, y], x.dtype, lambda p, a: p.op("mod", *a))


@lowers("Sum")
def total(n: View, b: Builder) -> None:
    """From the left; three or more 16-bit operands in f32, rounded once."""
    t = one_type(*operands(n))
    w = t.wide if n.count > 2 else t

    def compute(p: Place, a: Sequence[Expr]) -> Expr:
        out = cast(a[0], w)
        for x in a[1:]:
            out = p.op("add", out, cast(x, w))
        return cast(out, t)

    pointwise(n, b, n.inputs(), t, compute)


# ------------------------------------------------------------------------------------------------ comparing, choosing
@lowers("Max", "Min")
def extreme(n: View, b: Builder) -> None:
    """fmaxf and fminf of all operands, from the left."""

    def compute(p: Place, a: Sequence[Expr]) -> Expr:
        out = a[0]
        for x in a[1:]:
            out = p.op(n.op.lower(), out, x)
        return out

    pointwise(n, b, operands(n), one_type(*n.inputs()), compute)


@lowers("Clip")
def clip(n: View, b: Builder) -> None:
    """Min(Max(x, low), high)."""
    x, low, high = n.input(0), n.optional(1), n.optional(2)
    given = [t for t in (low, high) if t is not None]
    t = one_type(x, *given)

    def compute(p: Place, a: Sequence[Expr]) -> Expr:
        out = a[0] if low is None else p.op("max", a[0], a[1])
        return out if high is None else p.op("min", out, a[-1])

    pointwise(n, b, [x, *given], t, compute)


@lowers("Relu")
def relu(n: View, b: Builder) -> None:
    """x > 0 ? x : +0."""
    t = a_float(n.input(0))
    zero = number(0.0, t)
    pointwise(n, b, [n.input(0)], t, lambda p, a: select(p.op("lt", zero, a[0]), a[0], zero))


@lowers("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")
def comparison(n: View, b: Builder) -> None:
    x, y = n.input(0), n.input(1)
    one_type(x, y)
    name = {"Less": "lt", "Greater": "lt", "Equal": "eq"}.get(n.op, "le")
    turn = -1 if n.op.startswith("Greater") else 1
    pointwise(n, b, [x, y], DType.BOOL, lambda p, a: p.op(name, *a[::turn]))


@lowers("And", "Or", "Xor", "Not")
def logic(n: View, b: Builder) -> None:
    if any(t.dtype is not DType.BOOL for t in n.inputs()):
        raise CompileError("its operands are no booleans")
    pointwise(n, b, n.inputs(), DType.BOOL, lambda p, a: p.op(n.op.lower(), *a))


@lowers("IsNaN")
def is_nan(n: View, b: Builder) -> None:
    a_float(n.input(0))
    pointwise(n, b, [n.input(0)], DType.BOOL, lambda p, a: p.op("isnan", a[0]))


@lowers("IsInf")
def is_infinite(n: View, b: Builder) -> None:
    a_float(n.input(0))
    if not (n.flag("detect_negative", True) and n.flag("detect_positive", True)):
        raise CompileError("it asks for infinities of one sign")
    pointwise(n, b, [n.input(0)], DType.BOOL, lambda p, a: p.op("isinf", a[0]))


@lowers("Where")
def where(n: View, b: Builder) -> None:
    c, x, y = n.input(0), n.input(1), n.input(2)
    if c.dtype is not DType.BOOL:
        raise CompileError(f"its condition is of type {c.dtype.value}")
    pointwise(n, b, [c, x, y], one_type(x, y), lambda p, a: select(*a))


@lowers("Cast", "CastLike")
def convert(n: View, b: Builder) -> None:
    x = n.input(0)
    to = n.input(1).dtype if n.op == "CastLike" else from_onnx(n.attribute("to", 0), "its result")
    n.flag("saturate", True)  # of 8-bit floats only
    if x.dtype == to:
        b.bind(n.output(), x)
        return
    pointwise(n, b, [x], to, lambda p, a: cast(a[0], to))


# ----------------------------------------------------------------------------------------------------- activations
def sigmoid_of(p: Place, x: Expr) -> Expr:
    """1 / (1 + exp(-x)) in x's type, f32 or f64."""
    one = number(1.0, x.dtype)
    return p.op("div", one, p.op("add", one, p.op("exp", p.op("neg", x))))


@lowers("Sigmoid")
def sigmoid(n: View, b: Builder) -> None:
    """1 / (1 + exp(-x)), in f32 for 16-bit types, rounded once."""
    pointwise(n, b, [n.input(0)], a_float(n.input(0)), lambda p, a: in_wide(a[0], lambda x: sigmoid_of(p, x)))


@lowers("Swish")
def swish(n: View, b: Builder) -> None:
    """x * sigmoid(alpha * x), in f32 for 16-bit types, rounded once."""
    t = a_float(n.input(0))
    alpha = number(n.attribute("alpha", 1.0), t.wide)

    def compute(p: Place, a: Sequence[Expr]) -> Expr:
        return in_wide(a[0], lambda x: p.op("mul", x, sigmoid_of(p, p.op("mul", x, alpha))))

    pointwise(n, b, [n.input(0)], t, compute)


@lowers("Gelu")
def gelu(n: View, b: Builder) -> None:
    """Its official body, in f32 for 16-bit types, rounded once."""
    t = a_float(n.input(0))
    w = t.wide
    kind = n.attribute("approximate", "none")
    if kind not in ("none", "tanh"):
        raise CompileError(f"its attribute `approximate` is `{kind}`")

    def c(value: float) -> Expr:
        return cast(number(value, DType.F32), w)

    def exact(p: Place, x: Expr) -> Expr:
        inner = p.op("div", x, p.op("sqrt", c(2.0)))
        return p.op("mul", p.op("mul", c(0.5), x), p.op("add", c(1.0), p.op("erf", inner)))

    def by_tanh(p: Place, x: Expr) -> Expr:
        cube = p.op("mul", p.op("mul", x, x), x)
        inner = p.op("mul", p.op("sqrt", c(0.63661975)), p.op("add", x, p.op("mul", c(0.044715), cube)))
        return p.op("mul", p.op("mul", c(0.5), x), p.op("add", c(1.0), p.op("tanh", inner)))

    body = by_tanh if kind == "tanh" else exact
    pointwise(n, b, [n.input(0)], t, lambda p, a: in_wide(a[0], lambda x: body(p, x)))


@lowers("Identity", "Dropout")
def identity(n: View, b: Builder) -> None:
    n.attribute("seed", 0)
    if n.op == "Dropout" and (n.output(1) or n.optional(2) is not None):
        raise CompileError("it is in training mode")
    b.bind(n.output(), n.input(0))


@lowers("Constant")
def constant(n: View, b: Builder) -> None:
    name = next(iter(n.node.attributes), "")
    value = n.node.attributes.get(name)
    n.given(name)
    match name, value:
        case "value", Stored():
            b.bind(n.output(), b.literal(n.output(), value))
        case "value_int", int():
            b.bind(n.output(), b.of_known(n.output(), np.array(Size(value), dtype=object), DType.I64))
        case "value_ints", tuple():
            known = np.empty(len(value), dtype=object)
            known[:] = [Size(v) for v in value]
            b.bind(n.output(), b.of_known(n.output(), known, DType.I64))
        case "value_float", float():
            one = number(value, DType.F32)
            assert isinstance(one, Const)
            b.bind(n.output(), b.of_uniform(n.output(), one, ()))
        case _:
            raise CompileError(f"its attribute `{name}` is of a kind that is not read")

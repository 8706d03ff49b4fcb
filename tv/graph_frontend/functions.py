"""Functions of one element, powers, and the extremes of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32, Element
from tv.graph_frontend.elementwise import by_index, constant_value, pointwise
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import broadcast, broadcast_index
from tv.graph_frontend.static import Pieces
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.formulas import ge, lt
from tv.term import Term


def in_single(p: Place, e: Element, a: Sequence[Term], f: Callable[[Sequence[Term]], Term]) -> Term:
    """f on f32 values; 16-bit operands are widened, and the result is rounded once."""
    if not e.narrow:
        return f(a)
    return p.convert(f([p.convert(x, e, F32) for x in a]), F32, e)


NATIVE = ("Exp", "Log", "Sin", "Cos")  # of which CUDA has functions on 16-bit types


@denotes(
    "Exp",
    "Log",
    "Sin",
    "Cos",
    "Tan",
    "Tanh",
    "Erf",
    "Sinh",
    "Cosh",
    "Atan",
    "Asin",
    "Acos",
    "Asinh",
    "Acosh",
    "Atanh",
    since=1,
)
def function(n: NodeView, b: Builder) -> None:
    """the function symbol that CUDA calls expf, logf, ... at default precision; on 16-bit types in f32, rounded once (or, where
    `half_functions` is native, CUDA's hexp, hlog, hsin, hcos)"""
    e = n.require_float(n.input(0))
    if e.narrow and n.node.op in NATIVE and b.options.half_functions == "native":
        pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"h_{n.node.op.lower()}.{e.op}", *a))
        return
    wide = F32 if e.narrow else e
    b.assume(
        f"{n.node.op} on {wide.label} is the function that CUDA's {n.node.op.lower()}{'f' if wide is F32 else ''} computes"
    )
    name = f"{n.node.op.lower()}.{wide.op}"
    pointwise(n, b, [n.input(0)], e, lambda p, a: in_single(p, e, a, lambda x: p.op(name, *x)))


@denotes("Sigmoid", since=6)
def sigmoid(n: NodeView, b: Builder) -> None:
    """1 / (1 + exp(-x)); on 16-bit types in f32, rounded once (or in that type, where function bodies and Exp are)"""
    e = n.require_float(n.input(0))
    native = e.narrow and (b.options.half_functions, b.options.body_precision) == ("native", "type")
    w = F32 if e.narrow and not native else e
    exp = f"h_exp.{w.op}" if native else f"exp.{w.op}"
    if not native:
        b.assume("Exp on f32 is the function that CUDA's expf computes")

    def compute(p: Place, x: Sequence[Term]) -> Term:
        one = p.number(1.0, w)
        return p.op(f"fdiv.{w.op}", one, p.op(f"fadd.{w.op}", one, p.op(exp, p.op(f"fneg.{w.op}", x[0]))))

    pointwise(
        n, b, [n.input(0)], e, lambda p, a: compute(p, a) if native else in_single(p, e, a, lambda x: compute(p, x))
    )


@denotes("Pow", since=12)
def power(n: NodeView, b: Builder) -> None:
    """x ** y: constant 2 and 3 are products, 0.5 is Sqrt; else pow's function symbol (f32 inside)"""
    x, y = n.input(0), n.input(1)
    e = n.require_float(x)
    exponent = constant_value(y)
    if exponent not in (2.0, 3.0, 0.5):
        general_power(n, b, x, y, e)
        return

    def compute(p: Place, a: Sequence[Term]) -> Term:
        match exponent:
            case 2.0:
                return p.op(f"fmul.{e.op}", a[0], a[0])
            case 3.0:
                return in_single(p, e, a[:1], lambda v: cube(p, v[0], F32 if e.narrow else e))
            case _:
                return p.op(f"fsqrt.{e.op}", a[0])

    shape = broadcast(b.system.sets, [x.shape, y.shape], n.what)
    b.define(n, 0, e, shape, lambda p: compute(p, [p.get(x, broadcast_index(x.shape, p.index))]))


def cube(p: Place, v: Term, e: Element) -> Term:
    return p.op(f"fmul.{e.op}", p.op(f"fmul.{e.op}", v, v), v)


def general_power(n: NodeView, b: Builder, x: Tensor, y: Tensor, e: Element) -> None:
    w = F32 if e.narrow else e
    if not y.element.is_float and y.element.width > 16:
        raise Unsupported("TV0314", f"{n.what} with exponents of {y.element.label} that are data, rounded to {w.label}")
    b.assume("Pow on f32 is the function that CUDA's powf computes")

    def compute(p: Place, a: Sequence[Term]) -> Term:
        return p.convert(p.op(f"pow.{w.op}", p.convert(a[0], e, w), p.convert(a[1], y.element, w)), w, e)

    pointwise(n, b, [x, y], e, compute)


# ------------------------------------------------------------------------------------------------ max, min, relu, clip
def extreme(p: Place, e: Element, largest: bool, strict: bool, x: Term, y: Term) -> Term:
    """Max or Min of two elements: fmaxf (the operand that is no NaN wins), or with strict_nan any NaN wins."""
    if not e.is_float:
        name = ("s" if e.kind == "signed" else "u") + ("max" if largest else "min")
        return p.op(f"{name}.i{e.width}", x, y)
    return p.op(f"{extreme_name(largest, strict)}.{e.op}", x, y)


def extreme_name(largest: bool, strict: bool) -> str:
    """The operation on floats: of IEEE 754's two kinds the one that prefers numbers, or the one that propagates NaN."""
    return ("fmaximum" if largest else "fminimum") if strict else ("fmax" if largest else "fmin")


@denotes("Max", "Min", since=8)
def maximum(n: NodeView, b: Builder) -> None:
    """fmaxf or fminf of all operands: one that is no NaN wins, -0 is below +0 (--strict-nan: NaN wins)"""
    inputs = n.inputs()
    e = n.one_type(*inputs)
    largest = n.node.op == "Max"

    def chosen(*values: Affine) -> Affine | Pieces | None:
        if len(values) == 1:
            return values[0]
        if len(values) > 2:
            return None
        u, v = values if largest else (values[1], values[0])
        first, second = ge(u, v), lt(u, v)
        return ((first, values[0]), (second, values[1]))

    if by_index(n, b, inputs, e, chosen):
        return
    if e.is_float:
        b.assume(
            "Max and Min are fmaxf and fminf: an operand that is no NaN wins"
            if not b.options.strict_nan
            else "Max and Min propagate NaN"
        )

    def compute(p: Place, a: Sequence[Term]) -> Term:
        out = a[0]
        for x in a[1:]:
            out = extreme(p, e, largest, b.options.strict_nan, out, x)
        return out

    pointwise(n, b, inputs, e, compute)


@denotes("Relu", since=6)
def relu(n: NodeView, b: Builder) -> None:
    """x > 0 ? x : +0, so NaN and -0 become +0 (--strict-nan: NaN stays)"""
    x = n.input(0)
    e = n.require_float(x)

    def compute(p: Place, a: Sequence[Term]) -> Term:
        zero = p.number(0.0, e)
        if b.options.strict_nan:
            return p.op(f"fmaximum.{e.op}", a[0], zero)
        return p.select(p.op(f"flt.{e.op}", zero, a[0]), a[0], zero)

    b.assume("Relu(x) is x > 0 ? x : +0" + (", and NaN stays NaN" if b.options.strict_nan else ""))
    pointwise(n, b, [x], e, compute)


@denotes("Clip", since=11)
def clip(n: NodeView, b: Builder) -> None:
    """Min(Max(x, low), high), each as Max and Min"""
    x, low, high = n.input(0), n.optional(1), n.optional(2)
    e = x.element
    strict = b.options.strict_nan
    bounds = [t for t in (low, high) if t is not None]
    if any(t.rank != 0 and t.shape != (Affine.of(1),) for t in bounds):
        raise BadInput("TV0302", f"{n.what}: bounds must be scalars")

    def compute(p: Place, a: Sequence[Term]) -> Term:
        out, rest = a[0], list(a[1:])
        if low is not None:
            out = extreme(p, e, True, strict, out, rest.pop(0))
        return extreme(p, e, False, strict, out, rest.pop(0)) if high is not None else out

    n.one_type(x, *bounds)
    pointwise(n, b, [x, *bounds], e, compute)

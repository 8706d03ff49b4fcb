"""Operators that act on each element by itself, with numpy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import BOOL, BY_ONNX, F32, Element, element_of
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import Shape, broadcast, broadcast_index
from tv.graph_frontend.static import Pieces
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import eq, floordiv, ge, lt, mod, negate
from tv.term import Term

Compute = Callable[[Place, Sequence[Term]], Term]


def pointwise(n: NodeView, b: Builder, inputs: Sequence[Tensor], element: Element, compute: Compute) -> None:
    """Output 0 = compute(elements of the broadcast inputs)."""
    shape = broadcast(b.system.sets, [t.shape for t in inputs], n.what)

    def body(p: Place) -> Term:
        return compute(p, [p.get(t, broadcast_index(t.shape, p.index)) for t in inputs])

    b.define(n, 0, element, shape, body)


def by_index(n: NodeView, b: Builder, inputs: Sequence[Tensor], element: Element, f: Callable[..., Affine | Pieces | None]) -> bool:
    """Output 0 as integers known by index, where all inputs are and f has an affine answer."""
    if element.is_float or any(t.element.is_float for t in inputs):
        return False
    shape = broadcast(b.system.sets, [t.shape for t in inputs], n.what)
    own = [static.own(k) for k in range(len(shape))]
    pieces = []
    for t in inputs:
        ints = t.ints
        if ints is None:
            return False
        pieces.append(static.at(ints, broadcast_index(t.shape, own)))
    ranges = index_ranges(b, shape)
    return b.define_ints(n, 0, element, shape, static.combine(pieces, f, ranges))


def index_ranges(b: Builder, shape: Shape) -> static.Ranges:
    from tv.sets.affine import Dim, Range, Sym

    def ranges(a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return b.symbol_range(a.name)
        high = shape[int(a.name[1:])].interval(b.symbol_range_of)[1]
        return 0, None if high is None else high - 1

    return ranges


# ------------------------------------------------------------------------------------------------ arithmetic
def _scaled(x: Affine, y: Affine) -> Affine | None:
    if y.constant is not None:
        return x * y.constant
    return y * x.constant if x.constant is not None else None


def _quotient(x: Affine, y: Affine) -> Pieces | None:
    """Integer division toward zero by a positive constant."""
    if y.constant is None or y.constant <= 0:
        return None
    k = y.constant
    return ((ge(x), floordiv(x, k)), (lt(x, 0), -floordiv(-x, k)))


@denotes("Add", "Sub", "Mul", "Div", since=7)
def arithmetic(n: NodeView, b: Builder) -> None:
    """a + b, a - b, a * b, a / b in the tensors' own type, rounded once; integers wrap, integer division is toward zero"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    if not e.is_float:
        exact: dict[str, Callable[..., Affine | Pieces | None]] = {
            "Add": lambda u, v: u + v, "Sub": lambda u, v: u - v, "Mul": _scaled, "Div": _quotient,
        }  # fmt: skip
        if by_index(n, b, [x, y], e, exact[n.node.op]):
            return
    pointwise(n, b, [x, y], e, lambda p, a: p.op(operation(n.node.op.lower(), e), *a))


def operation(name: str, e: Element) -> str:
    """The term operation of add, sub, mul, div on a type."""
    if e.is_float:
        return f"f{name}.{e.op}"
    if e.kind == "bool":
        raise Unsupported("TV0312", f"`{name}` on booleans")
    if name == "div":
        return f"{'s' if e.kind == 'signed' else 'u'}div.i{e.width}"
    return f"{name}.i{e.width}"


def _remainder(x: Affine, y: Affine) -> Affine | None:
    """Of a division by a positive constant, rounded down."""
    return mod(x, y.constant) if y.constant is not None and y.constant > 0 else None


@denotes("Mod", since=10)
def modulo(n: NodeView, b: Builder) -> None:
    """integers: x - y floor(x / y); with fmod, the sign of x"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    c_like = n.attribute("fmod", 0) != 0
    if e.is_float:
        raise Unsupported("TV0312", f"{n.what} on {e.label}")
    if not c_like and by_index(n, b, [x, y], e, _remainder):
        return

    def compute(p: Place, a: Sequence[Term]) -> Term:
        w = e.width
        if e.kind == "unsigned":
            return p.op(f"urem.i{w}", *a)
        r, zero = p.op(f"srem.i{w}", *a), p.bits(0, w)
        if c_like:
            return r
        opposite = p.op("xor.i1", p.op(f"slt.i{w}", r, zero), p.op(f"slt.i{w}", a[1], zero))
        return p.select(p.op("and.i1", opposite, p.op("xor.i1", p.op(f"eq.i{w}", r, zero), p.bits(1, 1))), p.op(f"add.i{w}", r, a[1]), r)

    pointwise(n, b, [x, y], e, compute)


@denotes("Neg", since=6)
def negation(n: NodeView, b: Builder) -> None:
    """-x: the sign bit flipped; integers wrap"""
    x = n.input(0)
    e = x.element
    if by_index(n, b, [x], e, lambda u: -u):
        return
    if e.is_float:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"fneg.{e.op}", a[0]))
    else:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"sub.i{e.width}", p.bits(0, e.width), a[0]))


@denotes("Abs", since=6)
def absolute(n: NodeView, b: Builder) -> None:
    """|x|: the sign bit cleared; integers: x < 0 ? -x : x"""
    x = n.input(0)
    e = x.element
    if by_index(n, b, [x], e, lambda u: ((ge(u), u), (lt(u, 0), -u))):
        return
    if e.is_float:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"fabs.{e.op}", a[0]))
        return
    if e.kind != "signed":
        pointwise(n, b, [x], e, lambda p, a: a[0])
        return
    zero, w = 0, e.width

    def compute(p: Place, a: Sequence[Term]) -> Term:
        below = p.op(f"slt.i{w}", a[0], p.bits(zero, w))
        return p.select(below, p.op(f"sub.i{w}", p.bits(zero, w), a[0]), a[0])

    pointwise(n, b, [x], e, compute)


@denotes("Sqrt", since=6)
def square_root(n: NodeView, b: Builder) -> None:
    """the square root, rounded once"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"fsqrt.{e.op}", a[0]))


@denotes("Reciprocal", since=6)
def reciprocal(n: NodeView, b: Builder) -> None:
    """1 / x, rounded once"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"fdiv.{e.op}", p.number(1.0, e), a[0]))


@denotes("Floor", "Ceil", "Round", since=6)
def rounding(n: NodeView, b: Builder) -> None:
    """to a whole number: down, up, or to the nearest (halves to even)"""
    e = n.require_float(n.input(0))
    name = {"Floor": "ffloor", "Ceil": "fceil", "Round": "fround"}[n.node.op]
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"{name}.{e.op}", a[0]))


@denotes("Identity", since=1)
def identity(n: NodeView, b: Builder) -> None:
    """the tensor itself"""
    view_of(n, b, n.input(0), n.input(0).shape, lambda p, index: index)


def view_of(n: NodeView, b: Builder, t: Tensor, shape: Shape, move: Callable[[static.Ranges, tuple[Affine, ...]], tuple[Affine, ...]],
            output: int = 0) -> None:  # fmt: skip
    """Output: the element of t at `move(ranges, own index)`; integers known by index stay so."""
    if t.ints is not None:
        own = tuple(static.own(k) for k in range(len(shape)))
        ranges = index_ranges(b, shape)
        if b.define_ints(n, output, t.element, shape, static.at(t.ints, move(ranges, own), ranges)):
            return
    b.define(n, output, t.element, shape, lambda p: p.get(t, move(p.ranges, p.index)))


# ------------------------------------------------------------------------------------------------ functions
def in_single(p: Place, e: Element, a: Sequence[Term], f: Callable[[Sequence[Term]], Term]) -> Term:
    """f on f32 values; 16-bit operands are widened, and the result is rounded once."""
    if not e.narrow:
        return f(a)
    return p.convert(f([p.convert(x, e, F32) for x in a]), F32, e)


@denotes("Exp", "Log", "Sin", "Cos", "Tan", "Tanh", "Erf", "Sinh", "Cosh", "Atan", "Asin", "Acos", since=1)
def function(n: NodeView, b: Builder) -> None:
    """the function symbol that CUDA calls expf, logf, ... at default precision; on 16-bit types in f32, rounded once"""
    e = n.require_float(n.input(0))
    wide = F32 if e.narrow else e
    b.assume(f"{n.node.op} on {wide.label} is the function that CUDA's {n.node.op.lower()}{'f' if wide is F32 else ''} computes")
    name = f"{n.node.op.lower()}.{wide.op}"
    pointwise(n, b, [n.input(0)], e, lambda p, a: in_single(p, e, a, lambda x: p.op(name, *x)))


@denotes("Sigmoid", since=6)
def sigmoid(n: NodeView, b: Builder) -> None:
    """1 / (1 + exp(-x)); on 16-bit types in f32, rounded once"""
    e = n.require_float(n.input(0))
    w = F32 if e.narrow else e
    b.assume("Exp on f32 is the function that CUDA's expf computes")

    def compute(p: Place, x: Sequence[Term]) -> Term:
        one = p.number(1.0, w)
        return p.op(f"fdiv.{w.op}", one, p.op(f"fadd.{w.op}", one, p.op(f"exp.{w.op}", p.op(f"fneg.{w.op}", x[0]))))

    pointwise(n, b, [n.input(0)], e, lambda p, a: in_single(p, e, a, lambda x: compute(p, x)))


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
    b.assume("Pow on f32 is the function that CUDA's powf computes")

    def compute(p: Place, a: Sequence[Term]) -> Term:
        return p.convert(p.op(f"pow.{w.op}", p.convert(a[0], e, w), p.convert(a[1], y.element, w)), w, e)

    pointwise(n, b, [x, y], e, compute)


def constant_value(t: Tensor) -> float | None:
    """The number that every element of a float or integer tensor is, where that is known."""
    from tv.graph_frontend.arithmetic import decode
    from tv.graph_frontend.tensors import Uniform

    import numpy as np

    if isinstance(t.source, Uniform):
        return float(decode(np.array([t.source.bits], np.uint64), t.element.op)[0])
    pieces = t.ints
    if pieces is not None and len(pieces) == 1 and pieces[0][1].constant is not None:
        return float(pieces[0][1].constant)
    return None


# ------------------------------------------------------------------------------------------------ max, min, relu, clip
def extreme(p: Place, e: Element, largest: bool, strict: bool, x: Term, y: Term) -> Term:
    """Max or Min of two elements: fmaxf (the operand that is no NaN wins), or with strict_nan any NaN wins."""
    if not e.is_float:
        name = ("s" if e.kind == "signed" else "u") + ("max" if largest else "min")
        return p.op(f"{name}.i{e.width}", x, y)
    best = p.op(f"{'fmax' if largest else 'fmin'}.{e.op}", x, y)
    if not strict:
        return best
    return p.select(p.op(f"fisnan.{e.op}", x), x, p.select(p.op(f"fisnan.{e.op}", y), y, best))


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
        b.assume("Max and Min are fmaxf and fminf: an operand that is no NaN wins" if not b.options.strict_nan else "Max and Min propagate NaN")

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
        out = p.select(p.op(f"flt.{e.op}", zero, a[0]), a[0], zero)
        return p.select(p.op(f"fisnan.{e.op}", a[0]), a[0], out) if b.options.strict_nan else out

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


# ------------------------------------------------------------------------------------------------ cast, where
@denotes("Cast", since=6)
def cast(n: NodeView, b: Builder) -> None:
    """to another type: floats to nearest even, floats to integers toward zero (in range by assumption), integers wrap"""
    n.ignore("saturate", "round_mode")  # both speak of float8 and smaller, which are refused as element types
    code = n.attribute("to", 0)
    convert_to(n, b, n.input(0), element_of(code, n.node.outputs[0]))


@denotes("CastLike", since=15)
def cast_like(n: NodeView, b: Builder) -> None:
    """Cast to the second operand's type"""
    n.ignore("saturate", "round_mode")
    convert_to(n, b, n.input(0), n.input(1).element)


def convert_to(n: NodeView, b: Builder, x: Tensor, to: Element) -> None:
    e = x.element
    if to.label not in {k.label for k in BY_ONNX.values()}:
        raise Unsupported("TV0312", f"{n.what} to {to.label}")
    if not e.is_float and not to.is_float and x.ints is not None:
        pieces = x.ints if to.kind != "bool" else static.truth(static.holds(x.ints))
        if b.define_ints(n, 0, to, x.shape, pieces):
            return
    if e.is_float and not to.is_float and to.kind != "bool":
        b.assume("floats cast to integers are in range")
    pointwise(n, b, [x], to, lambda p, a: p.convert(a[0], e, to))


@denotes("Where", since=9)
def where(n: NodeView, b: Builder) -> None:
    """condition ? a : b; a condition on positions and shapes selects by index set"""
    c, x, y = n.input(0), n.input(1), n.input(2)
    e = n.one_type(x, y)
    if c.element.kind != "bool":
        raise BadInput("TV0302", f"{n.what}: the condition is not boolean")
    if by_index(n, b, [c, x, y], e, lambda k, u, v: u if k.constant else v):
        return
    shape = broadcast(b.system.sets, [c.shape, x.shape, y.shape], n.what)

    def body(p: Place) -> Term:
        ints = c.ints
        def arm(t: Tensor) -> Callable[[Place], Term]:
            return lambda q: q.get(t, broadcast_index(t.shape, p.index))
        if ints is not None:
            f = static.holds(static.at(ints, broadcast_index(c.shape, p.index), p.ranges))
            return p.case([(f, arm(x)), (negate(f), arm(y))])
        return p.select(p.get(c, broadcast_index(c.shape, p.index)), arm(x)(p), arm(y)(p))

    b.define(n, 0, e, shape, body)


# ------------------------------------------------------------------------------------------------ comparisons and logic
@denotes("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", since=7)
def compare(n: NodeView, b: Builder) -> None:
    """the comparison; false where an operand is NaN"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    swap = n.node.op.startswith("Greater")
    strict = n.node.op in ("Less", "Greater")

    def relation(u: Affine, v: Affine) -> Pieces:
        if n.node.op == "Equal":
            return static.truth(eq(u, v))
        u, v = (v, u) if swap else (u, v)
        return static.truth(lt(u, v) if strict else ge(v, u))

    if not e.is_float and by_index(n, b, [x, y], BOOL, relation):
        return

    def compute(p: Place, a: Sequence[Term]) -> Term:
        u, v = (a[1], a[0]) if swap else (a[0], a[1])
        name = "eq" if n.node.op == "Equal" else "lt" if strict else "le"
        if e.is_float:
            return p.op(f"f{name}.{e.op}", u, v)
        prefix = "" if name == "eq" else "s" if e.kind == "signed" else "u"
        return p.op(f"{prefix}{name}.i{e.width}", u, v)

    pointwise(n, b, [x, y], BOOL, compute)


@denotes("And", "Or", "Xor", since=7)
def logic(n: NodeView, b: Builder) -> None:
    """of two booleans"""
    x, y = n.input(0), n.input(1)
    op = n.node.op
    if n.one_type(x, y).kind != "bool":
        raise BadInput("TV0302", f"{n.what} on {x.element.label}")

    def relation(u: Affine, v: Affine) -> Affine:
        i, j = bool(u.constant), bool(v.constant)
        return Affine.of(int((i and j) if op == "And" else (i or j) if op == "Or" else i != j))

    if by_index(n, b, [x, y], BOOL, relation):
        return
    pointwise(n, b, [x, y], BOOL, lambda p, a: p.op(f"{op.lower()}.i1", *a))


@denotes("Not", since=1)
def logical_not(n: NodeView, b: Builder) -> None:
    """of a boolean"""
    x = n.input(0)
    if x.element.kind != "bool":
        raise BadInput("TV0302", f"{n.what} on {x.element.label}")
    if by_index(n, b, [x], BOOL, lambda u: Affine.of(int(not u.constant))):
        return
    pointwise(n, b, [x], BOOL, lambda p, a: p.op("xor.i1", a[0], p.bits(1, 1)))


@denotes("IsNaN", since=9)
def is_nan(n: NodeView, b: Builder) -> None:
    """is it NaN?"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], BOOL, lambda p, a: p.op(f"fisnan.{e.op}", a[0]))



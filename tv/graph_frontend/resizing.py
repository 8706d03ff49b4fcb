"""Resize to the nearest element, and transposed convolution: indices that are quotients of the own ones."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.contraction import wide
from tv.graph_frontend.einsum import multiplied, rounded
from tv.graph_frontend.elements import proto_bits
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape, require_same, text
from tv.graph_frontend.static import at
from tv.graph_frontend.tensors import Stored, Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, eq, ge, lt, negate
from tv.term import Term

COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


# ------------------------------------------------------------------------------------------------ resize
@denotes("Resize", since=11)
def resize(n: NodeView, b: Builder) -> None:
    """mode nearest, by whole factors up or by powers of two down: the element nearest to the own place (half_pixel,
    asymmetric), ties as nearest_mode says"""
    x = n.input(0)
    mode, place = n.attribute("mode", "nearest"), n.attribute("coordinate_transformation_mode", "half_pixel")
    nearest = n.attribute("nearest_mode", "round_prefer_floor")
    n.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value")  # of other modes
    if mode != "nearest" or n.flag("antialias", False):
        raise Unsupported("TV0311", f"mode `{mode}` of {n.what}")
    if place not in COORDINATES:
        raise Unsupported("TV0311", f"coordinate_transformation_mode `{place}` of {n.what}")
    if nearest not in ROUNDINGS:
        raise BadInput("TV0302", f"nearest_mode `{nearest}` of {n.what}")
    if n.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("TV0311", f"keep_aspect_ratio_policy of {n.what}")
    axes = tuple(n.wrap_axis(a, x.rank) for a in n.integers("axes") or range(x.rank))
    factors = dict(zip(axes, _factors(n, b, x, axes), strict=True))
    shape = tuple(_resized(e, factors.get(k, Fraction(1))) for k, e in enumerate(x.shape))
    if place == "pytorch_half_pixel" and any(shape[k].constant in (None, 1) and factors[k] < 1 for k in factors):
        text = f"{n.what} by {place}, which means another element where the result has an extent of 1"
        raise Unsupported("TV0311", text, help="export it by half_pixel")

    def body(p: Place) -> Term:
        return _nearest(p, x, factors, place == "asymmetric", nearest, 0, p.index)

    b.define(n, 0, x.element, shape, body)


def _factors(n: NodeView, b: Builder, x: Tensor, axes: tuple[int, ...]) -> list[Fraction]:
    """How much larger the result is along each axis. Raises Unsupported for what is no whole factor up or power of two down."""
    scales, sizes = n.optional(2), n.optional(3)
    if scales is not None and scales.shape != (Affine.of(0),):
        found = [Fraction(v) for v in _numbers(n, b, scales)]
    elif sizes is not None:
        wanted = sizes.elements(n.what)
        if len(wanted) != len(axes):
            raise BadInput("TV0302", f"{n.what} has {len(wanted)} sizes for {len(axes)} axes")
        found = [_ratio(n, w, x.shape[a]) for w, a in zip(wanted, axes, strict=True)]
    else:
        raise BadInput("TV0302", f"{n.what} has neither scales nor sizes")
    if len(found) != len(axes):
        raise BadInput("TV0302", f"{n.what} has {len(found)} scales for {len(axes)} axes")
    for f in found:
        down = f.numerator == 1 and f.denominator & (f.denominator - 1) == 0
        if f <= 0 or not (f.denominator == 1 or down):
            raise Unsupported("TV0311", f"{n.what} by a factor of {float(f):g}")
    return found


def _ratio(n: NodeView, wanted: Affine, have: Affine) -> Fraction:
    if wanted == have:
        return Fraction(1)
    if wanted.constant is None or not have.constant:
        raise Unsupported("TV0314", f"{n.what} from {text((have,))} to {text((wanted,))}")
    return Fraction(wanted.constant, have.constant)


def _numbers(n: NodeView, b: Builder, t: Tensor) -> list[float]:
    """The numbers of a short list of floats. Raises BadInput where they are not stored in the model."""
    import numpy as np

    count = t.shape[0].constant if t.rank == 1 else None
    data = b.stored[t.source.name].data if isinstance(t.source, Stored) else None
    if count is not None and count <= 64 and t.element.label == "f32":
        if data is not None:
            return [float(v) for v in np.asarray(proto_bits(data), np.uint32).view(np.float32)]
        pieces = t.bits
        if pieces is not None:
            rows = [at(pieces, [Affine.of(k)]) for k in range(count)]
            bits = np.array([row[0][1].const for row in rows if len(row) == 1], np.uint32)
            if len(bits) == count:
                return [float(v) for v in bits.view(np.float32)]
    help = "let the scales be a constant of the model that is stored inline"
    raise BadInput("TV0304", f"{n.what}: the values of `{t.name}` are not known", help=help)


def _resized(extent: Affine, factor: Fraction) -> Affine:
    return extent * factor.numerator if factor.denominator == 1 else floordiv(extent, factor.denominator)


def _source(own: Affine, factor: Fraction, asymmetric: bool, nearest: str) -> Affine:
    """Where the nearest element stands: the own place over the factor, which is twice / (2 each), rounded."""
    up, down = factor.numerator, factor.denominator
    twice, each = (own * (2 * down), up) if asymmetric else ((own * 2 + 1) * down - up, up)
    match nearest:
        case "floor":
            return floordiv(twice, 2 * each)
        case "ceil":
            return -floordiv(-twice, 2 * each)
        case "round_prefer_ceil":
            return floordiv(twice + each, 2 * each)
        case _:
            return -floordiv(-twice + each, 2 * each)


def _nearest(p: Place, x: Tensor, factors: dict[int, Fraction], asymmetric: bool, nearest: str, axis: int,
             index: tuple[Affine, ...]) -> Term:  # fmt: skip
    """The element at the sources of axes `axis` on; those before are in `index`. Places beyond an end are the end."""
    if axis == x.rank:
        return p.get(x, index)
    factor = factors.get(axis, Fraction(1))
    if factor == 1:
        return _nearest(p, x, factors, asymmetric, nearest, axis + 1, index)
    source, last = _source(index[axis], factor, asymmetric, nearest), x.shape[axis] - 1

    def there(i: Affine) -> Callable[[Place], Term]:
        at = (*index[:axis], i, *index[axis + 1 :])
        return lambda q: _nearest(q, x, factors, asymmetric, nearest, axis + 1, at)

    below, above = lt(source, 0), lt(last, source)
    inside = all_of(negate(below), negate(above))
    pieces = ((inside, there(source)), (below, there(Affine.of(0))), (all_of(negate(below), above), there(last)))
    return p.case(list(pieces))


# ------------------------------------------------------------------------------------------------ transposed convolution
@denotes("ConvTranspose", since=1)
def transposed_convolution(n: NodeView, b: Builder) -> None:
    """the sum over channels and window of the elements that a convolution would have taken from here, in f32, then the bias,
    rounded once; places without one count as +0 terms"""
    x, k, bias = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(*([x, k] if bias is None else [x, k, bias]))
    n.require_float(x)
    r, w = x.rank - 2, wide(e)
    strides, dilations = n.integers("strides") or (1,) * r, n.integers("dilations") or (1,) * r
    pads, more = n.integers("pads") or (0,) * (2 * r), n.integers("output_padding") or (0,) * r
    if n.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or n.has("output_shape"):
        raise Unsupported("TV0311", f"auto_pad or output_shape of {n.what}", help="export it with `pads`")
    if r < 1 or k.rank != x.rank or {len(strides), len(dilations), len(more), len(pads) // 2} != {r}:
        raise BadInput("TV0302", f"{n.what}: strides, dilations and pads do not fit {r} spatial dimensions")
    if min((*strides, *dilations)) < 1 or min((*pads, *more)) < 0:
        raise Unsupported("TV0311", f"strides {strides}, pads {pads} of {n.what}")
    group, features = n.attribute("group", 1), k.shape[1].constant
    stated = n.integers("kernel_shape")
    if stated is not None and stated != tuple(d.constant for d in k.shape[2:]):
        raise BadInput("TV0302", f"{n.what}: kernel_shape {stated} is not the weight's")
    require_same(b.system.sets, k.shape[0], x.shape[1], n.what)
    channels = x.shape[1].constant
    if group < 1 or features is None or channels is None or channels % group:
        raise BadInput("TV0302", f"{n.what}: {group} groups")
    if bias is not None and bias.shape != (Affine.of(features * group),):
        raise BadInput("TV0302", f"{n.what}: the bias has shape {text(bias.shape)}")
    reach = [(d - ONE) * t + 1 for d, t in zip(k.shape[2:], dilations, strict=True)]
    spatial = tuple(
        (i - 1) * s + a + m - pads[d] - pads[r + d]
        for d, (i, s, a, m) in enumerate(zip(x.shape[2:], strides, reach, more, strict=True))
    )
    shape: Shape = (x.shape[0], Affine.of(features * group), *spatial)

    def total(p: Place) -> Term:
        first = floordiv(p.index[1], features, p.ranges) * (channels // group)
        feature = mod(p.index[1], features, p.ranges)

        def term(q: Place, inner: tuple[Affine, ...]) -> Term:
            rows = zip(p.index[2:], pads, inner[1:], dilations, strict=False)
            ahead = [i + z - j * t for i, z, j, t in rows]
            source = [floordiv(a, s, q.ranges) for a, s in zip(ahead, strides, strict=True)]
            meets = [eq(mod(a, s, q.ranges)) for a, s in zip(ahead, strides, strict=True)]
            inside = all_of(*meets, *(c for i, d in zip(source, x.shape[2:], strict=True) for c in (ge(i), lt(i, d))))
            channel = first + inner[0]

            def one(z: Place) -> Term:
                factors = [z.get(x, (p.index[0], channel, *source)), z.get(k, (channel, feature, *inner[1:]))]
                return multiplied(z, e, factors)

            return q.case([(inside, one), (negate(inside), lambda z: z.number(0.0, w))])

        extents = [Affine.of(channels // group), *k.shape[2:]]
        return p.reduce(f"fadd.{w.op}", extents, term, p.number(0.0, w))

    if bias is None:
        rounded(n, b, e, shape, total)
        return
    summed = b.inner(n, "f32" if e.narrow else "sum", w, shape, total)

    def biased(p: Place) -> Term:
        return p.convert(p.op(f"fadd.{w.op}", p.get(summed), p.convert(p.get(bias, (p.index[1],)), e, w)), w, e)

    b.define(n, 0, e, shape, biased)

"""Where a term is being built: a scope, the tensor's own indices in it, the layer, and what is known of their ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tv import arithmetic
from tv.diagnostic import Unknown
from tv.graph_frontend import static
from tv.graph_frontend.elements import I64, Element
from tv.graph_frontend.shapes import Shape
from tv.graph_frontend.tensors import Indexed, InUnit, PreviousLayer, SameLayer, Stored, Tensor, Uniform
from tv.sets import Affine, Formula
from tv.sets.affine import Dim, Range, Sym
from tv.sets.formulas import all_of, eq, ge, within
from tv.system import Scope
from tv.term import Term

if TYPE_CHECKING:
    from tv.graph_frontend.build import Builder

INTEGERS = "Z"  # the one-dimensional space of values that `index` terms map to


class Place:
    """index: the tensor's own dimensions; layer: the rolled layer, or None; extents: ranges of the scope's dimensions."""

    def __init__(
        self, b: Builder, scope: Scope, index: Sequence[Affine], layer: Affine | None, extents: Mapping[str, Affine]
    ) -> None:
        self.b, self.scope, self.index, self.layer, self.extents = b, scope, tuple(index), layer, dict(extents)

    def ranges(self, a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return self.b.symbol_range(a.name)
        if a.name not in self.extents:
            return None, None
        high = self.extents[a.name].interval(self.b.symbol_range_of)[1]
        return 0, None if high is None else high - 1

    # -------------------------------------------------------------- leaves
    def bits(self, bits: int, width: int) -> Term:
        return self.b.system.terms.const(bits, width)

    def number(self, value: float, e: Element) -> Term:
        """A float constant of type e, rounded once from `value`."""
        return self.bits(arithmetic.float_bits(value, e.op), e.width)

    def get(self, t: Tensor, index: Sequence[Affine] | None = None) -> Term:
        """The element of t at `index` (the place's own where left out), of t's own width."""
        here = self.index if index is None else tuple(index)
        if len(here) != t.rank:
            raise TypeError(f"{len(here)} indices into `{t.name}` of rank {t.rank}")
        match t.source:
            case Uniform(bits=bits):
                return self.bits(bits, t.element.width)
            case Indexed():
                if t.ints is None:
                    raise TypeError(f"`{t.name}` has no index values")
                return self.integer(t.ints, here, t.element)
            case Stored(name=name):
                return self._ref(self.b.free(name), here)
            case InUnit(unit=unit, layer=None):
                return self._ref(unit, here)
            case InUnit(unit=unit, layer=layer) if layer is not None:
                return self._ref(unit, (layer, *here))
            case SameLayer(unit=unit):
                return self._ref(unit, (self._layer(), *here))
            case PreviousLayer(unit=unit, first=first):
                now = self._layer()
                return self.case(
                    [(eq(now), lambda p: p.get(first, here)), (ge(now, 1), lambda p: p._ref(unit, (now - 1, *here)))]
                )
            case _:
                raise TypeError(f"unknown source of `{t.name}`")

    def _layer(self) -> Affine:
        if self.layer is None:
            raise TypeError("a tensor of a rolled layer is read outside of it")
        return self.layer

    def _ref(self, unit: str, index: tuple[Affine, ...]) -> Term:
        key = (self.scope, unit, index)
        if key not in self.b.refs:
            self.b.refs[key] = self.b.system.ref(self.scope, unit, index)
        return self.b.refs[key]

    def integer(self, pieces: static.Pieces, index: Sequence[Affine], e: Element) -> Term:
        """Integers known by their index, as data of type e."""
        here = static.at(pieces, index, self.ranges)

        def leaf(value: Affine) -> Callable[[Place], Term]:
            return lambda p: p._index_term(value, e)

        return self.case([(c, leaf(v)) for c, v in here])

    def spread(self, pieces: static.Pieces, index: Sequence[Affine], e: Element) -> Term:
        """What pieces say of an element: an integer, or the bits of a float."""
        if not e.is_float:
            return self.integer(pieces, index, e)
        here = static.at(pieces, index, self.ranges)
        if not here:  # no element at all
            return self.bits(0, e.width)
        return self.case([(c, partial(_constant, v.const, e.width)) for c, v in here])

    def _index_term(self, value: Affine, e: Element) -> Term:
        if value.constant is not None:
            return self.bits(value.constant, e.width)
        s, system = self.scope, self.b.system
        key = (s, f"{INTEGERS}{e.width}", (value,))
        if key not in self.b.refs:
            image = system.sets.map(s.name, s.dims, s.domain, INTEGERS, [value])
            t = system.terms.make("index", map=image, width=e.width)
            system.indices[t.id] = (value,)
            self.b.refs[key] = t
        return self.b.refs[key]

    def count(self, value: Affine, e: Element) -> Term:
        """A size as a float of type e: converted from a 64-bit integer, where it is open."""
        if value.constant is not None:
            return self.number(float(value.constant), e)
        return self.op(f"cvt.{e.op}.{I64.op}", self._index_term(value, I64))

    # -------------------------------------------------------------- operations
    def op(self, name: str, *args: Term) -> Term:
        """An operation; exact ones on constants are computed here, and what a known truth decides."""
        if name == "select" and args[0].kind == "const":
            return args[1] if args[0].bits else args[2]
        if name in ("and.i1", "or.i1", "xor.i1"):
            for known, other in (args, args[::-1]):
                if known.kind == "const" and (name == "and.i1") == bool(known.bits):
                    return other
                if known.kind == "const" and name != "xor.i1":
                    return known
        if args and all(a.kind == "const" for a in args):
            folded = arithmetic.fold(name, [a.bits for a in args])
            if folded is not None:
                probe = self.b.system.terms.op(name, *args)
                return self.bits(folded, probe.width)
        return self.b.system.terms.op(name, *args)

    def convert(self, a: Term, source: Element, to: Element) -> Term:
        """A cast between element types; to bool: is it not zero?"""
        if source == to:
            return a
        if to.kind == "bool":
            return self.op("xor.i1", self.is_zero(a, source), self.bits(1, 1))
        if source.kind != "float" and to.kind != "float" and source.width == to.width:
            return a
        if a.kind == "index" and to.is_float and source != I64:
            a, source = self._widened(a, source)
        return self.op(f"cvt.{to.op}.{source.op}", a)

    def _widened(self, a: Term, source: Element) -> tuple[Term, Element]:
        """An integer known by its index as a 64-bit one, where its own type holds it: one integer is one float."""
        (value,) = self.b.system.indices[a.id]
        low, high = value.interval(self.ranges)
        least, most = source.limits()
        if low is None or high is None or low < least or high > most:
            return a, source
        return self._index_term(value, I64), I64

    def is_zero(self, a: Term, e: Element) -> Term:
        if e.is_float:
            return self.op(f"feq.{e.op}", a, self.number(0.0, e))
        return self.op(f"eq.i{e.width}", a, self.bits(0, e.width))

    def is_nan(self, a: Term, e: Element) -> Term:
        """Not equal to itself, as C writes it."""
        return self.op("xor.i1", self.op(f"feq.{e.op}", a, a), self.bits(1, 1))

    def select(self, c: Term, a: Term, b: Term) -> Term:
        return a if a is b else self.op("select", c, a, b)

    # -------------------------------------------------------------- structure
    def narrowed(self, condition: Formula) -> Place:
        return Place(self.b, self.scope.where(condition), self.index, self.layer, self.extents)

    def case(self, pieces: Sequence[tuple[Formula, Callable[[Place], Term]]]) -> Term:
        """Pieces with disjoint conditions that cover the place; each is built in the place narrowed to its condition."""
        live = [(c, f) for c, f in ((static.reduce_formula(c, self.ranges), f) for c, f in pieces) if c.op != "false"]
        for c, f in live:
            if c.op == "true":
                return f(self)
        if len(live) == 1:
            return live[0][1](self)
        if not live:
            raise Unknown("TV0313", "a case without a piece that can occur")
        terms = [(c, f(self.narrowed(c))) for c, f in live]
        if all(t is terms[0][1] and t.kind == "const" for _, t in terms):
            return terms[0][1]
        return self.b.system.case(self.scope, terms)

    def child(self, extents: Sequence[Affine]) -> tuple[Place, tuple[Affine, ...]]:
        """A registered child scope with one new dimension for each extent, and the new indices."""
        first = sum(1 for d in self.scope.dims if d[0] == "k")
        names = [f"k{first + n}" for n in range(len(extents))]
        own = tuple(Affine.dim(n) for n in names)
        domain = all_of(*(within(i, e) for i, e in zip(own, extents, strict=True)))
        scope = self.b.system.scope(self.scope.extend(self.b.unique(f"{self.scope.name}__k"), names, domain))
        known = {**self.extents, **dict(zip(names, extents, strict=True))}
        return Place(self.b, scope, self.index, self.layer, known), own

    def reduce(
        self, op: str, extents: Sequence[Affine], contribution: Callable[[Place, tuple[Affine, ...]], Term], init: Term
    ) -> Term:
        """init op contribution[0] op contribution[1] ..., in ascending order of the new indices."""
        inner, own = self.child(extents)
        step = self.b.system.terms.op(op, self.b.system.terms.hole(init.width), contribution(inner, own))
        return self.b.system.reduce(self.scope, inner.scope, op, step, init)

    def pick(
        self,
        extents: Sequence[Affine],
        chosen: Sequence[Term],
        element: Callable[[Place, tuple[Affine, ...]], Term],
        inside: bool = False,
    ) -> Term:
        """The element at indices that are data: `element` over a child scope, at the instance whose new indices are `chosen`.

        chosen: signed 64-bit terms, in range by what they are (inside) or by assumption (SEMANTICS 8).
        """
        if all(c.kind == "const" for c in chosen):
            return element(self, tuple(Affine.of(arithmetic_signed(c.bits)) for c in chosen))
        inner, own = self.child(extents)
        value = element(inner, own)
        s, c = self.scope, inner.scope
        embed = self.b.system.sets.map(c.name, c.dims, c.domain, s.name, [Affine.dim(d) for d in s.dims])
        back = self.b.system.sets.reverse(embed)
        if not inside:
            self.b.assume("indices that are data (Gather and kin) are in range")
        return self.b.system.terms.make("pick", args=(value, *chosen), map=back, scope=c.name, width=value.width)


def _constant(bits: int, width: int, p: Place) -> Term:
    return p.bits(bits, width)


def arithmetic_signed(bits: int) -> int:
    return bits - (1 << 64) if bits >> 63 else bits


def box(names: Sequence[str], shape: Shape) -> Formula:
    return all_of(*(within(Affine.dim(n), e) for n, e in zip(names, shape, strict=True)))
